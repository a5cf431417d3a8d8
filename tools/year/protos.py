"""The protos of the suite, as descriptors and message classes that are made from them: no generated code."""
import datetime
import subprocess

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

STANDARD = ("nisi.journal.", "nisi.store.", "nisi.disclosure.")  # on every process; a call says which it means
# What a service is called in a script, where it is not its package.
MAIN = "Service"


class Money(int):
    """Whole tenge, or with tiyn: Money(12.5) would be a float, so tiyn are told apart."""
    tiyn = 0

    @classmethod
    def of_tiyn(cls, tiyn):
        made = cls(tiyn // 100)
        made.tiyn = tiyn % 100
        return made


def plain(value):
    """A request's value as the message constructors take it: dates and sums become messages."""
    if isinstance(value, Money):
        return {"currency_code": "KZT", "units": int(value), "nanos": value.tiyn * 10_000_000}
    if isinstance(value, datetime.date):
        return {"year": value.year, "month": value.month, "day": value.day}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def date_of(message):
    return datetime.date(message.year, message.month, message.day)


def tiyn_of(message):
    """A sum in tiyn, exact."""
    assert message.currency_code in ("", "KZT"), message
    assert message.nanos % 10_000_000 == 0, message
    return message.units * 100 + message.nanos // 10_000_000


class Method:
    """A method of the suite and its message classes."""

    def __init__(self, protos, descriptor):
        self.name, self.descriptor = descriptor.name, descriptor
        self.path = f"/{descriptor.containing_service.full_name}/{descriptor.name}"
        self.request, self.response = protos.kind(descriptor.input_type), protos.kind(descriptor.output_type)
        self.policy = protos.option(descriptor, "MethodOptions", "nisi.rpc.v1.policy")
        self.owner = protos.option(descriptor.containing_service, "ServiceOptions", "nisi.rpc.v1.service").owner
        self.standard = descriptor.containing_service.full_name.startswith(STANDARD)
        self.takes_request_id = "request_id" in descriptor.input_type.fields_by_name


class Protos:
    def __init__(self, folder):
        files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.proto")
                       if "nisi/testing" not in str(path))
        made = subprocess.run(["protoc", "-I", folder, "--include_imports", "--descriptor_set_out=/dev/stdout", *files],
                              check=True, capture_output=True).stdout
        self.pool = descriptor_pool.DescriptorPool()
        self.factory = message_factory.MessageFactory(self.pool)
        described = descriptor_pb2.FileDescriptorSet.FromString(made).file
        for file in described:
            self.pool.Add(file)
        for file in described:  # the classes must know the options of ours before they parse any
            for extension in self.pool.FindFileByName(file.name).extensions_by_name.values():
                self.kind(extension.containing_type).RegisterExtension(extension)
        self.methods, self.services = {}, {}
        for file in described:
            for service in self.pool.FindFileByName(file.name).services_by_name.values():
                if not service.full_name.startswith("nisi."):
                    continue
                for descriptor in service.methods:
                    method = Method(self, descriptor)
                    self.methods[method.path] = method
                    package = service.full_name.split(".")[1]
                    self.services.setdefault(package, {})[method.name] = method

    def kind(self, descriptor):
        return self.factory.GetPrototype(descriptor)

    def message(self, full_name):
        return self.kind(self.pool.FindMessageTypeByName(full_name))

    def option(self, descriptor, kind, name):
        """An option of ours, whatever class Python gave the options themselves."""
        options = self.message(f"google.protobuf.{kind}").FromString(descriptor.GetOptions().SerializeToString())
        return options.Extensions[self.pool.FindExtensionByName(name)]

    def owners(self):
        """All services, in the order of the protos."""
        return sorted({method.owner for method in self.methods.values() if method.owner})

    def find(self, name):
        """A method as a script names it: "grants.SubmitApplication", by package and name."""
        package, _, word = name.partition(".")
        found = self.services.get(package, {}).get(word)
        assert found is not None, f"no method {name}"
        return found
