package facts

import (
	"slices"
	"strings"
)

// homes reads addresses where somebody lives.
func (s *State) homes(f *fact, i int) []Home {
	d := f.doc
	var out []Home
	for a := range d.walk(i, "address") {
		if use := d.field(a, "use"); use == "work" || use == "billing" {
			continue
		}
		var lines []string
		for l := range d.walk(a, "line") {
			lines = append(lines, d.string(l))
		}
		at := addressLines{
			line: strings.Join(lines, " "), city: d.field(a, "city"), postal: d.field(a, "postalCode"), text: d.field(a, "text"),
		}
		if text := d.string(a); text != "" {
			at.text = text
		}
		where := at.normalise()
		h := Home{
			Door: s.textPlain(where.door), Street: s.textPlain(where.street), House: where.house,
			Period: s.period(d, d.get(a, "period")),
		}
		h.LatE6, h.LonE6 = d.geolocation(a)
		if d.field(a, "use") == "old" && h.Period.Until == Forever {
			h.Period.Until = max(h.Period.From, f.GetEffectiveUs()) + 1
		}
		if h.Door != 0 || h.Street != 0 || h.LatE6 != 0 || h.LonE6 != 0 {
			out = append(out, h)
		}
	}
	return out
}

func (s *State) textPlain(text string) ID {
	if text == "" {
		return 0
	}
	return s.texts.number(0, text)
}

// homesAfter adds to the homes of a new version those of the version before that it no longer names: there they lived until
// the new one began to hold, as far as that is stated.
func (s *State) homesAfter(f *fact, before, now []Home) []Home {
	former := 0
	for _, h := range before {
		if former == s.cfg.MaxFormer {
			break
		}
		if slices.ContainsFunc(now, func(n Home) bool { return n.Door == h.Door && n.Street == h.Street }) {
			continue
		}
		if h.Period.Until == Forever {
			h.Period.Until = max(h.Period.From+1, f.GetEffectiveUs())
		}
		now = append(now, h)
		former++
	}
	return slices.Clip(now)
}

// geolocation reads the standard extension of an address.
func (d *document) geolocation(i int) (lat, lon int32) {
	for e := range d.walk(i, "extension") {
		if !strings.HasSuffix(d.field(e, "url"), "/geolocation") {
			continue
		}
		var okLat, okLon bool
		for part := range d.walk(e, "extension") {
			value := d.scalar(d.get(part, "valueDecimal"))
			switch d.field(part, "url") {
			case "latitude":
				lat, okLat = degrees(value, 90)
			case "longitude":
				lon, okLon = degrees(value, 180)
			}
		}
		if okLat && okLon {
			return lat, lon
		}
	}
	return 0, 0
}

// degrees reads a decimal as millionths, without a float.
func degrees(text string, most int64) (int32, bool) {
	digits, negative := strings.CutPrefix(text, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	if len(whole) == 0 || len(whole) > 3 || countDigits(whole) != len(whole) || countDigits(fraction) != len(fraction) {
		return 0, false // exponents too: nobody writes degrees so
	}
	e6 := int64(0)
	for i := range len(whole) {
		e6 = e6*10 + int64(whole[i]-'0')
	}
	for i := range 6 {
		e6 *= 10
		if i < len(fraction) {
			e6 += int64(fraction[i] - '0')
		}
	}
	if e6 > most*1e6 {
		return 0, false
	}
	if negative {
		e6 = -e6
	}
	return int32(e6), true
}
