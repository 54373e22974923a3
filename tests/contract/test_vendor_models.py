"""What connectors send and simulated channels answer follows the vendors' own models; skipped without these."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from graphql import GraphQLSchema, build_client_schema, parse, validate
from graphql.type import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLObjectType,
    is_specified_scalar_type,
)
from jsonschema import Draft4Validator, Draft7Validator
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core_sync.channels.amazon_inventories import AmazonInventories
from core_sync.channels.amazon_like import AmazonLike
from core_sync.channels.http import client
from core_sync.channels.port import Accepted, PushRequest, Rejected, Unknown
from core_sync.channels.shopify_graphql import READ, SET
from simulation.peers.amazon_like import amazon_app
from simulation.peers.remote import RemotePeer
from simulation.peers.serve import running
from simulation.peers.shopify_schema import shopify_schema
from tests.contract.samples import sample
from tests.contract.simulated import PACE

MODELS = (
    "listingsItems_2021-08-01.json",
    "feeds_2021-06-30.json",
    "externalFulfillmentInventory_2024-09-11.json",
)


@pytest.fixture(scope="module")
def admin_api() -> GraphQLSchema:
    told = json.loads(sample("shopify", "admin_2026-10.json.gz"))
    # the vendor deprecates fields that its own interfaces ask for, which a strict reader holds against it
    return build_client_schema(told.get("data", told), assume_valid=True)


@pytest.mark.parametrize("document", [SET, READ], ids=["set", "read"])
def test_what_is_sent_to_a_shop_follows_its_schema(admin_api: GraphQLSchema, document: str) -> None:
    assert validate(admin_api, parse(document)) == []


def test_the_simulated_shop_has_nothing_that_the_schema_does_not_have(admin_api: GraphQLSchema) -> None:
    ours = shopify_schema()
    kinds = [
        kind for name, kind in ours.type_map.items() if not name.startswith("__") and not is_specified_scalar_type(kind)
    ]
    for kind in kinds:
        theirs = admin_api.type_map[kind.name]
        assert members(kind).items() <= members(theirs).items(), kind.name
    directives = {one.name: {name: str(arg.type) for name, arg in one.args.items()} for one in admin_api.directives}
    assert directives["idempotent"] == {"key": "String!"}


def members(kind: GraphQLNamedType) -> dict[str, str]:
    """Fields with their types and arguments, or values."""
    match kind:
        case GraphQLObjectType():
            fields = {name: str(field.type) for name, field in kind.fields.items()}
            arguments = {
                f"{name}({argument})": str(told.type)
                for name, field in kind.fields.items()
                for argument, told in field.args.items()
            }
            return fields | arguments
        case GraphQLInputObjectType():
            return {name: str(field.type) for name, field in kind.fields.items()}
        case GraphQLEnumType():
            return dict.fromkeys(kind.values, "")
        case _:
            return {}


class Witness:
    """Every exchange below the marketplace's own paths is held against its operation in the models."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, int]] = set()
        self._models = [json.loads(sample("sp-api", f"models/{name}")) for name in MODELS]

    def __call__(self, response: httpx.Response) -> None:
        response.read()
        request = response.request
        path = urlsplit(str(request.url)).path
        found = self._operation(request.method, path)
        if found is None:
            return  # a document's own address
        model, operation = found
        status = str(response.status_code)
        assert status in operation["responses"], f"{operation['operationId']} answers no {status}"
        self.seen.add((operation["operationId"], response.status_code))
        self._holds(model, operation["responses"][status].get("schema"), response.json())
        declared = {parameter["name"]: parameter for parameter in operation.get("parameters", ())}
        for name, _ in parse_qsl(urlsplit(str(request.url)).query):
            assert declared[name]["in"] == "query"
        body = next((parameter for parameter in declared.values() if parameter["in"] == "body"), None)
        if body is not None:
            self._holds(model, body["schema"], json.loads(request.content))

    def _operation(self, method: str, path: str) -> tuple[Any, Any] | None:
        for model in self._models:
            for template, operations in model["paths"].items():
                if _fits(template, path) and method.lower() in operations:
                    return model, operations[method.lower()]
        return None

    @staticmethod
    def _holds(model: Mapping[str, Any], schema: Any, told: Any) -> None:
        if schema is not None:
            Draft4Validator({**schema, "definitions": model["definitions"]}).validate(told)


def _fits(template: str, path: str) -> bool:
    parts, told = template.strip("/").split("/"), path.strip("/").split("/")
    return len(parts) == len(told) and all(
        part.startswith("{") or part == other for part, other in zip(parts, told, strict=True)
    )


LISTED = {f"SKU-{number}": number for number in range(30)}


@pytest.fixture
def market() -> Iterator[RemotePeer]:
    with running(amazon_app(LISTED, page_size=7)) as url, RemotePeer(url) as peer:
        yield peer


def watched(url: str, witness: Witness) -> httpx.Client:
    http = client(url, {"x-amz-access-token": "t"})
    http.event_hooks["response"].append(witness)
    return http


def requests(*skus: str) -> list[PushRequest]:
    return [PushRequest(sku, 4, None, sku) for sku in skus]


def test_patches_searches_and_their_refusals_follow_the_model(market: RemotePeer) -> None:
    witness = Witness()
    channel = AmazonLike(watched(market.url, witness), "SELLER", "MARKET", client(market.url), pace=PACE)
    channel.push(requests("SKU-1", "nothing"))
    channel.read([*LISTED, "SKU,7"])
    for status in ("400", "403", "413", "415", "429", "500", "503"):
        market.meets(status)
        channel.push(requests("SKU-1"))
    assert {code for operation, code in witness.seen if operation == "patchListingsItem"} == {
        200, 400, 403, 413, 415, 429, 500, 503,
    }  # fmt: skip
    assert {("searchListingsItems", 200), ("getListingsItem", 404)} <= witness.seen


def test_feeds_and_their_documents_follow_the_models(market: RemotePeer) -> None:
    witness = Witness()
    channel = AmazonLike(watched(market.url, witness), "SELLER", "MARKET", client(market.url), as_feeds=True, pace=PACE)
    [answer, *_] = channel.push(requests("SKU-1", "nothing"))
    assert isinstance(answer, Accepted)
    assert answer.receipt
    channel.follow([answer.receipt])
    operations = {operation for operation, _ in witness.seen}
    assert operations == {"createFeedDocument", "createFeed", "getFeed", "getFeedDocument"}
    with client(market.url) as bare:
        sent = bare.get("/documents/document-1").json()
        report = bare.get(f"/documents/report-{answer.receipt}").json()
    Draft7Validator(json.loads(sample("sp-api", "feeds/listings-feed-schema-v2.json"))).validate(sent)
    Draft7Validator(json.loads(sample("sp-api", "feeds/listings-feed-processing-report-schema-v2.json"))).validate(
        report
    )
    assert report["issues"]


def test_batches_answered_item_by_item_follow_the_model(market: RemotePeer) -> None:
    witness = Witness()
    channel = AmazonInventories(watched(market.url, witness), "WH1", PACE)
    channel.push(requests("SKU-1", "nothing"))
    channel.read(["SKU-1", "nothing"])
    for status in ("400", "429", "500"):
        market.meets(status)
        channel.push(requests("SKU-1"))
    assert {code for _, code in witness.seen} == {207, 400, 429, 500}


SANDBOX = [
    ("patchListingsItem", "ACCEPTED", Accepted),
    ("patchListingsItem", "INVALID", Rejected),
    ("patchListingsItem", "VALID", Unknown),
    ("patchListingsItem", "BAD_REQUEST", Rejected),
    ("batchInventory", "", Accepted),
]


def sandbox(operation: str, word: str) -> tuple[int, Any]:
    """Status and body of the vendor's own example of an answer, the first that has ``word`` in it."""
    lines = sample("sp-api", "sandbox_examples.jsonl").splitlines()
    told = [json.loads(line) for line in lines]
    return next(
        (one["status"], one["response"])
        for one in told
        if one["operation"] == operation and f'"{word}"' in json.dumps(one["response"]) + '""'
    )


@pytest.mark.parametrize(("operation", "word", "expected"), SANDBOX)
def test_the_vendors_own_examples_of_answers_are_understood(operation: str, word: str, expected: type) -> None:
    status, body = sandbox(operation, word)

    async def answer(_: Request) -> Response:
        return JSONResponse(body, status)

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["PATCH", "POST", "GET"])])
    with running(app) as url:
        http = client(url)
        if operation == "batchInventory":
            figures = requests("efptestsku1", "efptestsku2")
            [first, second] = AmazonInventories(http, "EXSB", PACE).push(figures)
            assert isinstance(second, Rejected)
            assert second.code == "INVALID_SKU" or not second.transient
        else:
            [first] = AmazonLike(http, "SELLER", "MARKET", http, pace=PACE).push(requests("GM-ZDPI-9B4E"))
    assert isinstance(first, expected)


def test_the_vendors_own_example_of_a_search_is_understood() -> None:
    status, body = sandbox("searchListingsItems", "items")

    async def answer(_: Request) -> Response:
        return JSONResponse({key: value for key, value in body.items() if key != "pagination"}, status)

    with running(Starlette(routes=[Route("/{path:path}", answer)])) as url:
        channel = AmazonLike(client(url), "SELLER", "MARKET", client(url), pace=PACE)
        skus = [item["sku"] for item in body["items"]]
        shown = channel.read(skus)
    told = {
        item["sku"]: one.get("quantity") or 0
        for item in body["items"]
        for one in item.get("fulfillmentAvailability", ())
        if one["fulfillmentChannelCode"] == "DEFAULT"
    }
    assert shown == told
