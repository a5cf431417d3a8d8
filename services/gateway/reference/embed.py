"""Writes a C++ file that holds files, compressed, for services/gateway/reference.cc.

embed.py OUT FILE...        each is served as /reference/NAME; openapi.json as /openapi.json, index.html as /reference/
"""
import gzip
import hashlib
import pathlib
import sys

TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
         ".json": "application/json", ".svg": "image/svg+xml"}
PATHS = {"openapi.json": "/openapi.json", "index.html": "/reference/"}
WIDTH = 40


def array(name, data):
    rows = (",".join(str(byte) for byte in data[i:i + WIDTH]) for i in range(0, len(data), WIDTH))
    return f"const unsigned char {name}[] = {{\n" + ",\n".join(rows) + "};\n"


def main(out, *files):
    arrays, table = [], []
    for i, file in enumerate(map(pathlib.Path, sorted(files))):
        data = file.read_bytes()
        packed = gzip.compress(data, compresslevel=9, mtime=0)
        path = PATHS.get(file.name, f"/reference/{file.name}")
        etag = hashlib.sha256(data).hexdigest()[:32]
        arrays.append(array(f"kData{i}", packed))
        table.append(f'    {{"{path}", "{TYPES[file.suffix]}", "{etag}", kData{i}, sizeof(kData{i}), {len(data)}}},\n')
    text = ('#include "services/gateway/reference_files.h"\n\nnamespace nisi::gateway {\nnamespace {\n\n' +
            "\n".join(arrays) + "\n}  // namespace\n\nconst ReferenceFile kReferenceFiles[] = {\n" + "".join(table) +
            f"}};\nconst size_t kReferenceFileCount = {len(table)};\n\n}}  // namespace nisi::gateway\n")
    target = pathlib.Path(out)
    if not target.exists() or target.read_text(encoding="utf-8") != text:
        target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
