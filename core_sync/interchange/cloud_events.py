"""CloudEvents 1.0 in JSON (https://github.com/cloudevents/spec, version 1.0): the envelope and our columns."""

from collections.abc import Mapping

from core_sync.interchange.refusals import FieldRefused

SPECIFICATION = "1.0"
_ENVELOPE = ("id", "source", "type", "time")
_OWN = frozenset({"specversion", "datacontenttype", "data"})


def is_cloud_event(said: Mapping[str, object]) -> bool:
    """Whether ``said`` is an envelope, rather than flat columns."""
    return "specversion" in said


def flattened(said: Mapping[str, object]) -> Mapping[str, object]:
    """``said`` as flat columns: what stands in ``data`` beside id, source, type and time.

    A type may carry a reverse domain name before our own word (``com.example.stock.receipt``).
    Other attributes of the envelope (subject, extensions) stay beside; where ``data`` says an
    envelope's name again, the envelope's holds and the other is kept as ``data.NAME``. Flat columns,
    and an ``attributes`` object among them, come back flat.

    Raises:
        FieldRefused: it is an envelope, but not of version 1.0 with JSON data.
    """
    if is_cloud_event(said):
        said = _opened(said)
    attributes = said.get("attributes")
    if not isinstance(attributes, dict):
        return said
    flat = {name: value for name, value in said.items() if name != "attributes"}
    return {**{name: value for name, value in attributes.items() if name not in flat}, **flat}


def _opened(said: Mapping[str, object]) -> Mapping[str, object]:
    if said["specversion"] != SPECIFICATION:
        raise FieldRefused(
            "specversion", f"{said['specversion']!r} is not understood; send CloudEvents {SPECIFICATION}"
        )
    content = said.get("datacontenttype", "application/json")
    if not isinstance(content, str) or not content.split(";")[0].strip().endswith(("/json", "+json")):
        raise FieldRefused("datacontenttype", f"{content!r} is not understood; send application/json")
    data = said.get("data")
    if not isinstance(data, dict):
        raise FieldRefused("data", "must be a JSON object with sku, location and quantity")
    flat = {name: value for name, value in said.items() if name not in _OWN}
    kind = flat.get("type")
    if isinstance(kind, str):
        flat["type"] = kind.rpartition(".")[2]
    for name, value in data.items():
        flat[f"data.{name}" if name in said else name] = value
    return flat


def enveloped(fields: Mapping[str, object]) -> dict[str, object]:
    """The flat columns of an event, as ``flattened`` gives them, in an envelope."""
    data = {name: value for name, value in fields.items() if name not in _ENVELOPE and value not in (None, "")}
    return {
        "specversion": SPECIFICATION,
        **{name: fields[name] for name in _ENVELOPE},
        "subject": fields["sku"],
        "datacontenttype": "application/json",
        "data": data,
    }
