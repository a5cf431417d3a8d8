"""Steps of a case by who may take them, and refused to everybody else."""
import contextlib

import grpc

from suite import JOURNAL, Refused


class Others:
    """Somebody of each role who has nothing to do with the case but, where the role is a state's, its office."""

    def __init__(self, suite, client, service, stranger):
        self.suite, self.client, self.service, self.refusals = suite, client, service, 0
        values = client.suite.messages.options.Role.DESCRIPTOR.values
        self.names = {role.number: role.name.lower().replace("_", ".", 1) for role in values}
        self.roles = [self.names[role.number] for role in values if role.number > 1]
        for role in self.roles:
            claims = {"bin": stranger} if role in ("entity", "customer", "holding") else {}
            if role == "akimat":  # of its region
                claims = {"regions": ["11"]}
            client.tokens[f"walker {role}"] = suite.mint(role, subject=f"dev:walker-{role}", **claims)

    def journal(self, method, request, answer):
        return self.client.call(JOURNAL + method, request, answer, "auditor", (("nisi-service", self.service),))

    def head(self):
        """The size of the service's journal."""
        m = self.suite.messages.journal
        return self.journal("GetTreeHead", m.GetTreeHeadRequest(), m.TreeHead).tree_size

    def written_since(self, position):
        """Who wrote entries after that one: what falls due and what is delivered goes on by itself meanwhile."""
        m, actors = self.suite.messages.journal, set()
        if self.head() == position:
            return actors
        start = position + 1
        while start:
            page = self.journal("ListEntries", m.ListEntriesRequest(start_position=start), m.ListEntriesResponse)
            actors |= {m.Entry.FromString(record.leaf).actor for record in page.entries}
            start = page.next_position
        return actors

    def refused(self, method, call):
        """`call(who)` by each role that the method does not admit, and by a stranger of its own where the role is not
        enough: they are refused alike, and nothing is written."""
        admitted = {self.names[number] for number in self.suite.policy(method).roles}
        before = self.head()
        for role in self.roles:
            if role in admitted and role not in ("entity", "expert"):
                continue  # of these any official will do; who acted before, the duties bar
            try:
                call(f"walker {role}")
            except Refused as refusal:
                assert refusal.code == grpc.StatusCode.PERMISSION_DENIED, (method.name, role, refusal)
                assert refusal.reason == "ACCESS_DENIED", (method.name, role, refusal)
                self.refusals += 1
                continue
            raise AssertionError(f"{method.name} by {role} was not refused")
        with contextlib.suppress(Refused):
            call(None)
            raise AssertionError(f"{method.name} by nobody was not refused")
        refused = {actor for actor in self.written_since(before) if not actor or actor.startswith("dev:walker")}
        assert not refused, (method.name, refused)
