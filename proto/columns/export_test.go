package columns

// Compared packs the table and returns how many bytes the search for references compared, over all shapes.
func Compared(t, beside *Table) int {
	var p packer
	p.begin(t, beside)
	all := 0
	for i := range t.shapes {
		p.start(&t.shapes[i])
		before := p.budget
		for c := range t.shapes[i].width {
			p.pack(&t.shapes[i], c)
		}
		all += before - p.budget
	}
	return all
}

// PackFresh packs the table with a packer that knows of no table before.
func PackFresh(t, beside *Table) Packed { return (&packer{}).table(t, beside) }
