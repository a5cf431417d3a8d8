"""What stories of a service have in common: the people in them, and calls of methods by their names."""
import datetime

from suite import Client, Refused, uid


def bins():
    """Valid BINs, one after another."""
    for serial in range(100_000):
        digits = f"990140{serial:05}"
        check = sum(int(d) * w for d, w in zip(digits, range(1, 12))) % 11
        if check == 10:
            check = sum(int(d) * w for d, w in zip(digits, (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2))) % 11
        if check < 10:
            yield digits + str(check)


def money(tenge):
    return dict(currency_code="KZT", units=tenge)


class Story:
    # Of the suite's messages, those whose services have the methods; of one name, the first.
    MODULES = ()

    def __init__(self, suite, people):
        """`people`: who, role and claims of each, who get tokens as `nisi token` makes them."""
        self.suite, self.client, self.m = suite, Client(suite), suite.messages
        self.start = suite.today()
        for who, role, claims in people:
            self.client.tokens[who] = suite.mint(role, subject=f"dev:{who}", **claims)

    def method(self, called):
        """The descriptor of the method."""
        for module in self.MODULES:
            for service in getattr(self.m, module).DESCRIPTOR.services_by_name.values():
                if called in service.methods_by_name:
                    return service.methods_by_name[called]
        raise AssertionError(f"no method {called}")

    def call(self, called, who, timeout=20, **fields):
        """The answer; a request id is made where one belongs."""
        method = self.method(called)
        if "request_id" in method.input_type.fields_by_name:
            fields.setdefault("request_id", uid())
        return self.client.call(f"/{method.containing_service.full_name}/{called}", method.input_type._concrete_class(**fields),
                                method.output_type._concrete_class, who, timeout=timeout)

    def refused(self, reason, called, who, /, **fields):
        try:
            self.call(called, who, **fields)
        except Refused as refusal:
            assert refusal.reason == reason, refusal
            return refusal
        raise AssertionError(f"{called} was not refused")

    def day(self, ahead=0):
        return self.client.date(self.suite.today() + datetime.timedelta(days=ahead))

    def go_to(self, day):
        """The clock is there, and what is due by then has happened."""
        self.suite.move_clock((day - self.start).days * 24)
