package rules

import (
	"fmt"
	"strings"
)

// FieldTable is the vocabulary as the README shows it.
func FieldTable() string {
	var b strings.Builder
	b.WriteString("| field | type | what it says | needs |\n|---|---|---|---|\n")
	for _, g := range vocabulary() {
		for _, f := range g.fields {
			name := f.name
			if g.name != "" {
				name = g.name + "." + name
			}
			about := f.about
			if f.values != nil && name != "reasons" {
				about += ": " + strings.Join(f.values, ", ")
			}
			if name == "reasons" {
				about += ": *" + strings.Join(f.values, "*, *") + "*"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", name, f.typ, about, f.needs)
		}
	}
	b.WriteString("| `counters.NAME` | int | what the rule's counter of that name says of the access | what its condition needs |\n")
	return b.String()
}
