package fhir

import "time"

// Scan scans data under the default limits.
func Scan(data []byte) error {
	d := document{limits: DefaultLimits()}
	return d.scan(data)
}

// ScannedText is a string as it stands and as it reads.
type ScannedText struct {
	Raw  []byte
	Text string
}

// ScanResult returns valid data without whitespace, in two ways, and its strings.
func ScanResult(data []byte) (compact, rewritten []byte, texts []ScannedText) {
	d := document{limits: DefaultLimits()}
	if err := d.scan(data); err != nil {
		panic(err)
	}
	for i := range d.nodes {
		if d.nodes[i].kind == kindString {
			texts = append(texts, ScannedText{d.raw(i), d.stringAt(i)})
		}
	}
	return d.compact(), d.appendResource(nil, 0), texts
}

// ParseInstant reads a time in UTC where it states no zone.
func ParseInstant(s string) (time.Time, bool) {
	at, ok := parseInstant(s, time.UTC)
	return at.at, ok
}

// IsHost tells a machine's name.
func IsHost(address string) bool { return isHost(address) }
