package facts

import "strings"

// place is an address in comparable form: texts that are equal where two spellings mean one door, or one street.
type place struct {
	door, street string
	house        int32
}

// addressLines is what an address says, as sent.
type addressLines struct {
	line, city, postal, text string
}

// normalise makes an address comparable: US and European order, street types, directions, units. Without a house number or
// unit there is no door, without a postal code or city nothing at all: a street name alone is in every town.
func (a addressLines) normalise() place {
	line, city, postal := a.line, a.city, a.postal
	if strings.TrimSpace(line) == "" && a.text != "" {
		line, city, postal = splitAddress(a.text)
	}
	where := postalCode(postal)
	if where == "" {
		where = fold(city, "")
	}
	if where == "" {
		return place{}
	}
	words := streetWords(line)
	words, unit := takeUnit(words)
	words, number := takeHouse(words)
	if len(words) == 0 {
		return place{}
	}
	out := place{street: strings.Join(words, " ") + "|" + where}
	for i := 0; i < len(number) && number[i]-'0' <= 9 && i < 7; i++ {
		out.house = out.house*10 + int32(number[i]-'0')
	}
	if number == "" {
		return out
	}
	out.door = number + " " + out.street
	if unit != "" {
		out.door += "#" + unit
	}
	return out
}

// splitAddress takes an address that was written in one piece apart: "12 Hill Street Apt 3, Millbrook, IN 00023".
func splitAddress(text string) (line, city, postal string) {
	parts := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == '\n' || r == ';' })
	if len(parts) < 2 {
		return "", "", ""
	}
	line = parts[0]
	rest := parts[1:]
	// "Flat 3, 12 Hill Street, ..." and "12 Hill Street, Apt 3, ...": units may stand in a part of their own.
	for len(rest) > 1 {
		if _, unit := takeUnit(streetWords(rest[0])); unit == "" && !onlyUnit(line) {
			break
		}
		line += " " + rest[0]
		rest = rest[1:]
	}
	for i := len(rest) - 1; i >= 0 && postal == ""; i-- {
		for w := range strings.FieldsSeq(rest[i]) {
			if digits := countDigits(w); digits >= 4 && digits >= len(w)-1 {
				postal = w
			}
		}
	}
	for _, part := range rest {
		var words []string
		for w := range strings.FieldsSeq(part) {
			if countDigits(w) == 0 {
				words = append(words, w)
			}
		}
		if city = strings.Join(words, " "); city != "" {
			break
		}
	}
	return line, city, postal
}

func onlyUnit(line string) bool {
	rest, unit := takeUnit(streetWords(line))
	return unit != "" && len(rest) == 0
}

func countDigits(w string) int {
	n := 0
	for i := range len(w) {
		if w[i]-'0' <= 9 {
			n++
		}
	}
	return n
}

// postalCode folds a postal code; of a nine digit code of the United States the first five tell the place.
func postalCode(text string) string {
	code := strings.ReplaceAll(fold(text, ""), " ", "")
	if len(code) == 9 && countDigits(code) == 9 {
		return code[:5]
	}
	return code
}

// streetWords folds an address line to words in their short form.
func streetWords(line string) []string {
	words := strings.Fields(strings.ReplaceAll(fold(line, "#-/"), "#", " # "))
	out := words[:0]
	for i := 0; i < len(words); i++ {
		w := words[i]
		if w == "p" && i+1 < len(words) && words[i+1] == "o" {
			w, i = "po", i+1
		}
		if short, ok := shortForms[w]; ok {
			w = short
		}
		for _, long := range [...]string{"strasse", "straat"} {
			if stem, ok := strings.CutSuffix(w, long); ok && stem != "" {
				w = stem + "str"
			}
		}
		w = splitHyphen(w)
		for part := range strings.FieldsSeq(w) {
			out = append(out, part)
		}
	}
	return out
}

// splitHyphen joins "3-b" to "3b", keeps "12-14", and divides words.
func splitHyphen(w string) string {
	before, after, ok := strings.Cut(w, "-")
	switch {
	case !ok || w == "#":
		return w
	case countDigits(before) == len(before) && countDigits(after) == len(after):
		return strings.Trim(w, "-")
	case countDigits(before) > 0 && len(after) == 1, countDigits(after) > 0 && len(before) == 1:
		return before + after
	}
	return strings.ReplaceAll(w, "-", " ")
}

// takeUnit removes "apt 3", "# 3", "flat 2b" from the words of a line.
func takeUnit(words []string) (rest []string, unit string) {
	for i, w := range words {
		if w != "#" || i+1 >= len(words) {
			continue
		}
		rest = append(rest, words[:i]...)
		j := i + 1
		for j < len(words)-1 && words[j] == "#" { // "Apt #3"
			j++
		}
		unit = words[j]
		if unit == "#" {
			return rest, ""
		}
		return append(rest, words[j+1:]...), unit
	}
	return words, ""
}

// takeHouse removes the house number: first ("12 Hill St", "12a"), or last ("Hauptstr 12", "Kerkstr 12 a").
func takeHouse(words []string) (rest []string, number string) {
	if len(words) == 0 {
		return nil, ""
	}
	if isHouse(words[0]) {
		number, rest = words[0], words[1:]
		if len(rest) > 2 && len(rest[0]) == 1 && !isDirection(rest[0]) && countDigits(rest[0]) == 0 {
			number, rest = number+rest[0], rest[1:]
		}
		return rest, number
	}
	last := len(words) - 1
	if last >= 1 && isHouse(words[last]) {
		return words[:last], words[last]
	}
	if last >= 2 && len(words[last]) == 1 && countDigits(words[last]) == 0 && isHouse(words[last-1]) {
		return words[:last-1], words[last-1] + words[last]
	}
	return words, ""
}

// isHouse tells "12", "12a" and "12-14" from "5th" and "hill".
func isHouse(w string) bool {
	if w[0]-'0' > 9 {
		return false
	}
	for _, ordinal := range [...]string{"st", "nd", "rd", "th"} {
		if stem, ok := strings.CutSuffix(w, ordinal); ok && countDigits(stem) == len(stem) {
			return false
		}
	}
	return true
}

func isDirection(w string) bool { return w == "n" || w == "s" || w == "e" || w == "w" }

// shortForms maps the ways to write a word of an address to one.
var shortForms = map[string]string{
	"street": "st", "str": "st", "strasse": "st", "straat": "st", "saint": "st", "sainte": "st",
	"road": "rd", "avenue": "ave", "av": "ave", "aven": "ave", "avn": "ave", "avda": "ave", "avenida": "ave",
	"boulevard": "blvd", "boul": "blvd", "bd": "blvd", "bvd": "blvd", "drive": "dr", "drv": "dr", "lane": "ln", "court": "ct",
	"crt": "ct", "place": "pl", "platz": "pl", "plaza": "plz", "piazza": "plz", "square": "sq", "terrace": "ter", "terr": "ter",
	"circle": "cir", "circ": "cir", "highway": "hwy", "parkway": "pkwy", "pky": "pkwy", "trail": "trl", "crescent": "cres",
	"cr": "cres", "close": "cl", "gardens": "gdns", "grove": "grv", "heights": "hts", "mount": "mt", "mountain": "mtn",
	"fort": "ft", "route": "rte", "chemin": "ch", "calle": "c", "weg": "way", "wy": "way", "alley": "aly", "allee": "aly",
	"bridge": "brg", "creek": "crk", "crossing": "xing", "point": "pt", "ridge": "rdg", "view": "vw", "valley": "vly",
	"north": "n", "south": "s", "east": "e", "west": "w", "northeast": "ne", "northwest": "nw", "southeast": "se",
	"southwest": "sw", "first": "1st", "second": "2nd", "third": "3rd", "fourth": "4th", "fifth": "5th", "sixth": "6th",
	"seventh": "7th", "eighth": "8th", "ninth": "9th", "tenth": "10th",
	"apt": "#", "apartment": "#", "unit": "#", "suite": "#", "ste": "#", "flat": "#", "room": "#", "rm": "#", "no": "#",
	"nr": "#", "appt": "#", "apto": "#", "wohnung": "#", "whg": "#", "bte": "#", "lot": "#", "trlr": "#", "trailer": "#",
}
