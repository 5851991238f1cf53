package csv

import (
	"slices"
	"strings"
	"unicode/utf8"
)

const byteOrderMark = "\xef\xbb\xbf"

// encoding is how the bytes of a file mean characters.
type encoding uint8

const (
	encodingUTF8 encoding = iota
	encodingLatin1
	encodingWindows1252
)

// windows1252 is what 0x80 to 0x9f mean there (WHATWG Encoding, index-windows-1252); elsewhere it is Latin-1.
const windows1252 = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ"

// decode returns text as UTF-8.
func (e encoding) decode(text string) string {
	if e == encodingUTF8 || isASCII(text) {
		return text
	}
	var b strings.Builder
	high := []rune(windows1252)
	for i := range len(text) {
		c := text[i]
		if e == encodingWindows1252 && c >= 0x80 && c < 0xa0 {
			b.WriteRune(high[c-0x80])
		} else {
			b.WriteRune(rune(c))
		}
	}
	return b.String()
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// view is the row at hand as text.
type view struct {
	text   string
	fields []span
	quote  string
	enc    encoding
	trim   bool
	nulls  []string
}

// get returns column i, "" when it is absent, blank or one of the words for nothing.
func (v *view) get(i int) string {
	if i < 0 || i >= len(v.fields) {
		return ""
	}
	f := v.fields[i]
	value := v.text[f.start:f.end]
	if f.doubled {
		value = strings.ReplaceAll(value, v.quote+v.quote, v.quote)
	}
	if v.enc != encodingUTF8 {
		value = v.enc.decode(value)
	}
	if v.trim {
		value = strings.TrimSpace(value)
	}
	if slices.Contains(v.nulls, value) {
		return ""
	}
	return value
}
