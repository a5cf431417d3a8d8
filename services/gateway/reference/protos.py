"""The protos as the build reads them: a FileDescriptorSet with comments, and the options that NISI puts on it."""
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

OPTIONS = "nisi/rpc/v1/options.proto"
DESCRIPTOR = "google/protobuf/descriptor.proto"
# Where the parts of a file lie in it, by which source locations name them.
PACKAGE, MESSAGE, ENUM, SERVICE = 2, 4, 5, 6
FIELD, NESTED, NESTED_ENUM, VALUE, METHOD = 2, 3, 4, 2, 2

Field = descriptor_pb2.FieldDescriptorProto


def text_of(comment):
    """A comment as paragraphs: its lines joined, its empty lines kept."""
    paragraphs = comment.replace("\n \n", "\n\n").split("\n\n")
    return "\n\n".join(filter(None, (" ".join(paragraph.split()) for paragraph in paragraphs)))


def first_sentence(text):
    """Up to the first full stop that is not of "Art. 26"."""
    line = text.split("\n\n", 1)[0]
    end = line.find(". ")
    while end >= 0 and line[:end].endswith("Art"):
        end = line.find(". ", end + 1)
    return line if end < 0 else line[:end + 1]


class Options:
    """The extensions of nisi/rpc/v1/options.proto, read from the set itself."""

    def __init__(self, file):
        pool = descriptor_pool.Default()
        pool.Add(file)
        self.file = pool.FindFileByName(file.name)
        for message in self.file.message_types_by_name.values():
            message_factory.MessageFactory(pool).GetPrototype(message)
        for name, owner in (("service", descriptor_pb2.ServiceOptions), ("policy", descriptor_pb2.MethodOptions),
                            ("field", descriptor_pb2.FieldOptions), ("resource", descriptor_pb2.MessageOptions),
                            ("form", descriptor_pb2.MessageOptions)):
            extension = self.file.extensions_by_name[name]
            owner.RegisterExtension(extension)
            setattr(self, "_" + name, extension)
        self.roles = self.file.enum_types_by_name["Role"].values_by_number
        self.formats = self.file.enum_types_by_name["Format"].values_by_number

    def service(self, service):
        return service.options.Extensions[self._service]

    def policy(self, method):
        return method.options.Extensions[self._policy]

    def field(self, field):
        return field.options.Extensions[self._field]

    def form(self, message):
        return message.options.Extensions[self._form]

    def format(self, field):
        """The name of the format of a field, as "UUID"."""
        return self.formats[self.field(field).format].name

    def role(self, number):
        """A role as it is written in tokens: "authority.industry"."""
        return self.roles[number].name.lower().replace("_", ".", 1)


class Protos:
    """Everything by its full name without the leading dot."""

    def __init__(self, data):
        found = descriptor_pb2.FileDescriptorSet.FromString(data)
        self.options = Options(next(file for file in found.file if file.name == OPTIONS))
        # Read once more: what was read before the extensions were known holds them as unknown fields.
        found = descriptor_pb2.FileDescriptorSet.FromString(data)
        self.messages, self.enums, self.services, self.comments = {}, {}, {}, {}
        self.abouts, self.package_comments = {}, {}
        for file in found.file:  # in order of dependence
            self._read(file)

    def comment(self, name):
        """What a proto says above a name; empty where it says nothing."""
        return self.comments.get(name, "")

    def _read(self, file):
        said = {tuple(location.path): text_of(location.leading_comments)
                for location in file.source_code_info.location if location.leading_comments}
        self.package_comments[file.name] = said.get((PACKAGE,), "")
        about = self._about(file)
        for i, message in enumerate(file.message_type):
            self._read_message(file.package, message, (MESSAGE, i), said)
        for i, enum in enumerate(file.enum_type):
            self._read_enum(file.package, enum, (ENUM, i), said)
        for i, service in enumerate(file.service):
            name = f"{file.package}.{service.name}"
            self.services[name], self.abouts[name] = service, about
            self._say(name, (SERVICE, i), said)
            for j, method in enumerate(service.method):
                self._say(f"{name}.{method.name}", (SERVICE, i, METHOD, j), said)

    def _about(self, file):
        """What the services of a file are for: above its package, or that of its resources, as agreements.proto are those
        of agreement_service.proto."""
        kin = file.name.removesuffix("_service.proto").removesuffix("service.proto")
        resources = sorted((name for name in file.dependency if name.startswith(kin)), key=lambda name: "resources" not in name)
        return next(filter(None, map(self.package_comments.get, [file.name, *resources])), "")

    def _read_message(self, scope, message, path, said):
        name = f"{scope}.{message.name}"
        self.messages[name] = message
        self._say(name, path, said)
        for i, field in enumerate(message.field):
            self._say(f"{name}.{field.name}", (*path, FIELD, i), said)
        for i, nested in enumerate(message.nested_type):
            self._read_message(name, nested, (*path, NESTED, i), said)
        for i, enum in enumerate(message.enum_type):
            self._read_enum(name, enum, (*path, NESTED_ENUM, i), said)

    def _read_enum(self, scope, enum, path, said):
        name = f"{scope}.{enum.name}"
        self.enums[name] = enum
        self._say(name, path, said)
        for i, value in enumerate(enum.value):
            self._say(f"{name}.{value.name}", (*path, VALUE, i), said)

    def _say(self, name, path, said):
        if path in said:
            self.comments[name] = said[path]
