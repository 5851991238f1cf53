package facts

// Hooks for tests.
var (
	Metres      = metres
	Fold        = fold
	FoldName    = foldName
	SplitName   = splitName
	PhoneDigits = phoneDigits
	Degrees     = degrees
	Instant     = instant
)

// Door normalises an address; street likewise.
func Door(line, city, postal, text string) (door, street string, house int32) {
	p := addressLines{line: line, city: city, postal: postal, text: text}.normalise()
	return p.door, p.street, p.house
}
