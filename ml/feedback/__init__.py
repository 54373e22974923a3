"""What people say of what was found strange: judgements, what is expected, random audits, accepted false alarms."""
