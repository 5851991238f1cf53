package facts

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// special letters that decomposition leaves alone.
var special = strings.NewReplacer("ß", "ss", "ø", "o", "æ", "ae", "œ", "oe", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "ı", "i")

// fold makes a text comparable: lower case, without accents and punctuation, words by single spaces. Apostrophes join
// ("O'Brien" is "obrien"), everything else that is neither letter nor digit divides. keep names signs that stay.
func fold(text, keep string) string {
	if plain, ok := foldASCII(text, keep); ok {
		return plain
	}
	text = special.Replace(strings.ToLower(text))
	var out strings.Builder
	gap := false
	for _, r := range norm.NFKD.String(text) {
		switch {
		case unicode.Is(unicode.Mn, r), r == '\'', r == '’', r == 'ʼ', r == '`':
		case unicode.IsLetter(r), unicode.IsDigit(r), strings.ContainsRune(keep, r):
			if gap && out.Len() > 0 {
				out.WriteByte(' ')
			}
			gap = false
			out.WriteRune(unicode.ToLower(r))
		default:
			gap = true
		}
	}
	return special.Replace(out.String())
}

func foldASCII(text, keep string) (string, bool) {
	same := true
	for i := range len(text) {
		c := text[i]
		switch {
		case c >= 0x80:
			return "", false
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		case c == ' ' && i > 0 && i < len(text)-1 && text[i-1] != ' ':
		default:
			same = false
		}
	}
	if same {
		return text, true
	}
	out := make([]byte, 0, len(text))
	gap := false
	for i := range len(text) {
		c := text[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', strings.IndexByte(keep, c) >= 0:
			if gap && len(out) > 0 {
				out = append(out, ' ')
			}
			gap = false
			out = append(out, c)
		case c == '\'', c == '`':
		default:
			gap = true
		}
	}
	return string(out), true
}

// foldName folds a part of a person's name. "Müller" and "Mueller" are one: ae, oe and ue are written for umlauts.
func foldName(text string) string {
	text = fold(text, "")
	if !strings.Contains(text, "ae") && !strings.Contains(text, "oe") && !strings.Contains(text, "ue") {
		return text
	}
	out := make([]byte, 0, len(text))
	for i := range len(text) {
		c := text[i]
		if c == 'e' && i > 0 && (text[i-1] == 'a' || text[i-1] == 'o' || text[i-1] == 'u') {
			if i < 2 || (text[i-2] != 'q' && text[i-2] != 'g') { // Enriquez, Miguel
				continue
			}
		}
		out = append(out, c)
	}
	return string(out)
}

// titles and suffixes are no part of a name that was written in one piece.
func isTitle(word string) bool {
	switch word {
	case "dr", "prof", "mr", "mrs", "ms", "miss", "herr", "frau", "mme", "mlle", "med", "sir", "jr", "sr", "ii", "iii", "iv",
		"md", "phd", "do", "rn", "np", "pa", "mph", "dds", "pharmd", "bsn", "msn", "esq":
		return true
	}
	return false
}

// splitName takes a name that was written in one piece apart: "Ruiz, Abigail", "Dr. Abigail Ruiz", "Abigail van der Berg".
func splitName(text string) (family, given string) {
	if before, after, ok := strings.Cut(text, ","); ok {
		given, _, _ = strings.Cut(strings.TrimSpace(after), " ")
		if !isTitle(foldName(given)) {
			return foldName(before), foldName(given)
		}
		text = before
	}
	var words []string
	for w := range strings.FieldsSeq(text) {
		if !isTitle(foldName(w)) {
			words = append(words, w)
		}
	}
	if len(words) == 0 {
		return "", ""
	}
	at := len(words) - 1
	for at > 1 && isParticle(foldName(words[at-1])) {
		at--
	}
	if at > 0 {
		given = foldName(words[0])
	}
	return foldName(strings.Join(words[at:], " ")), given
}

// isParticle tells the small words of a family name.
func isParticle(word string) bool {
	switch word {
	case "de", "da", "do", "dos", "das", "del", "della", "di", "du", "la", "le", "los", "las", "van", "von", "der", "den", "ter",
		"ten", "zu", "zur", "zum", "vom", "el", "al", "bin", "ben", "ibn", "st", "mac", "mc", "y", "e", "und", "af", "av":
		return true
	}
	return false
}

// phoneDigits returns the last nine digits of a telephone number: country and trunk prefixes differ, they do not. "" for
// what is too short to tell anybody, or is one digit over and over.
func phoneDigits(text string) string {
	text = strings.TrimPrefix(text, "tel:")
	if i := strings.IndexAny(strings.ToLower(text), "xe;"); i > 0 { // extension: "x12", "ext. 12", ";ext=12"
		text = text[:i]
	}
	out := make([]byte, 0, 16)
	same := true
	for i := range len(text) {
		if c := text[i]; c-'0' <= 9 {
			same = same && (len(out) == 0 || out[0] == c)
			out = append(out, c)
		}
	}
	if len(out) < 7 || same {
		return ""
	}
	return string(out[max(0, len(out)-9):])
}
