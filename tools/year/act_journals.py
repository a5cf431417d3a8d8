"""Every journal, verified without trust in the server that gave it."""


def verified(stage, scratch):
    """Keeps the whole journal of each service in a file, and has the tree computed again from it alone; where an earlier
    file of it is there, also that its tree is the beginning of this one."""
    stage.act("Every journal is downloaded and verified offline", "Art. 16")
    rows = []
    for owner in stage.protos.owners():
        kept, last = scratch / f"journal-{owner}.jsonl", scratch / f"journal-{owner}.before.jsonl"
        earlier = kept.exists()
        if earlier:
            kept.replace(last)
        stage.command("auditor", "proof", "journal", "--service", owner, "-o", kept, silent=True)
        told = stage.command(None, "verify", kept, *(["--since", last] if earlier else []), silent=True)
        stage.check("The journal holds." in told and ("holds   history" in told) == earlier,
                    f"the journal of {owner} holds", told)
        with open(kept, "rb") as lines:
            entries = sum(1 for _ in lines) - 1
        rows.append((owner, entries, stage.head(owner).root.hex()[:16], "holds", "unchanged" if earlier else "-"))
    stage.table(("service", "entries", "root of the tree", "journal", "what was there before"), rows)
    stage.hint("--as auditor proof journal --service grants -o FILE, and without any server: nisi verify FILE")
