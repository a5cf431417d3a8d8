# cmake -DIN=file -DOUT=file.cc -DHEADER=header.h -DNAMESPACE=ns -DSYMBOL=kName -P Embed.cmake
# Writes a C++ file that holds the bytes of IN as kName and their count as kNameSize.
file(READ "${IN}" hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
file(WRITE "${OUT}" "#include \"${HEADER}\"

namespace ${NAMESPACE} {
const unsigned char ${SYMBOL}[] = {${bytes}};
const size_t ${SYMBOL}Size = sizeof(${SYMBOL});
}  // namespace ${NAMESPACE}
")
