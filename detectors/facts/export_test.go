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

// Packer is packer.
type Packer = packer

// Pack appends a pair to nothing.
func (p *packer) Pack(system ID, value string, learn bool) []byte {
	return p.pack(nil, system, value, learn)
}

// Unpack takes the first pair off, and says how long it was.
func (p *packer) Unpack(packed []byte) (system ID, value string, length int) {
	system, text := p.unpack(packed)
	return system, string(text), p.length(packed)
}

// MaxPatterns is maxPatterns.
const MaxPatterns = maxPatterns

// Row is a row in letters that tests can write.
type Row struct {
	From, Until       int64
	Fact, Who, Reason ID
	Kind              CareKind
	Class, Type       ID
	Doubt             Doubt
}

func (r *Row) row() row {
	return row{r.From, r.Until, r.Fact, r.Who, r.Reason, form{r.Kind, r.Class, r.Type, r.Doubt}}
}

// Rows is rows with the forms that they refer to.
type Rows struct {
	forms forms
	Bytes string
}

// NewRows returns none.
func NewRows() *Rows { return &Rows{forms: newForms()} }

// Insert adds a row and returns how many there are, 0 when it was there.
func (r *Rows) Insert(add Row) int {
	at := add.row()
	out, count := r.forms.insert(rows(r.Bytes), &at)
	r.Bytes = string(out)
	return count
}

// Drop removes the rows of a fact.
func (r *Rows) Drop(fact ID) {
	r.Bytes = string(r.forms.filter(rows(r.Bytes), func(at *row) bool { return at.fact != fact }))
}

// Evict removes the row that ended longest ago, but not the one that was added last.
func (r *Rows) Evict(last Row) {
	at := last.row()
	r.Bytes = string(r.forms.evict(rows(r.Bytes), &at))
}

// All are the rows, in order.
func (r *Rows) All() (out []Row) {
	var at row
	for rest := rows(r.Bytes); r.forms.next(&rest, &at); {
		out = append(out, Row{at.from, at.until, at.fact, at.who, at.reason, at.kind, at.class, at.typ, at.doubt})
	}
	return out
}
