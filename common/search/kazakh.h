// What is left of a Kazakh word when its endings of number, person and case are cut. There is no
// such stemmer in Debian, and the published ones are lists of endings as this one is.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace nisi::search {

// `word` is folded (analyzer.h): Kazakh letters are those that people type in their place, so the
// endings are, too. Only cuts, but for a last b or g that is written p or k when nothing follows it
// (kitaby, kitap). The same for a word with and without any of the endings, mostly; a vowel that
// falls out (orny, oryn) is not put back.
std::string KazakhStem(absl::string_view word);

}  // namespace nisi::search
