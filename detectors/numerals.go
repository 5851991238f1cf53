package detectors

import (
	"fmt"
	"strings"
)

// words for numbers up to twelve: notes are read, not calculated with.
var smallNumbers = [...]string{
	"none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
}

func number(n int) string {
	if n >= 0 && n < len(smallNumbers) {
		return smallNumbers[n]
	}
	if n < 1000 {
		return fmt.Sprint(n)
	}
	unit := 10 // nobody needs the fourth digit
	for n/unit >= 1000 {
		unit *= 10
	}
	rest := strings.Builder{}
	digits := fmt.Sprint((n + unit/2) / unit * unit)
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			rest.WriteByte(',')
		}
		rest.WriteRune(d)
	}
	return rest.String()
}

func count(n int, noun string) string {
	switch n {
	case 0:
		return "no " + noun
	case 1:
		return "one " + noun
	}
	return number(n) + " " + noun + "s"
}

// capital begins a sentence.
func capital(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return number(n) + " times"
}
