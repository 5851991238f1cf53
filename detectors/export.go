package detectors

// bulkExport (D13): pages, files or records that left on one day, beside what peers take out.
func bulkExport() readerDetector {
	return readerDetector{
		Scale: Scale{
			Name: "BulkExport", Catalogue: "D13", Key: KeyReader, Peers: PeersGroup,
			Words: []string{
				"printed or exported something", "printed or exported from several records", "exported much", "exported very much",
			},
		},
		grade: func(j *judge, d *ReaderDay) Grade {
			switch documents, records := d.takenOut(); {
			case documents >= j.numbers[exportVeryMuch] || records >= j.numbers[exportVeryMany]:
				return 4
			case documents >= j.numbers[exportMuch] || records >= j.numbers[exportMany]:
				return 3
			case records >= j.numbers[exportRecords]:
				return 2
			case documents > 0:
				return 1
			}
			return Quiet
		},
		tell: func(_ *teller, d *ReaderDay, g Grade) string {
			said := capital(count(d.Exports+d.Prints, "document")) + " left the system in one day"
			if g >= 3 {
				said += ", many more than most readers take out"
			}
			return said + "."
		},
		normal: "A request for release, with its number, would have made it normal.",
	}
}
