package simulate

import (
	"embed"
	"encoding/csv"
	"fmt"
	"strconv"
	"time"
)

// mappings say how the tables are read (see ingest/csv): a dataset directory holds each beside its table.
//
//go:embed tables
var mappings embed.FS

// Tables are the delimited text files of a dataset directory, in the order in which they are listed. Each has a mapping
// of its name with .yaml for .csv.
func Tables() []string { return []string{"managers.csv", "vendors.csv", "watchlist.csv", "badges.csv"} }

// Mapping returns the mapping of a table of Tables.
func Mapping(table string) ([]byte, error) {
	b, err := mappings.ReadFile("tables/" + mappingOf(table))
	if err != nil {
		return nil, fmt.Errorf("read the mapping of a table: %w", err)
	}
	return b, nil
}

// Table returns the rows of a table of Tables; the first names the columns.
func (h *Hospital) Table(name string) [][]string {
	switch name {
	case "managers.csv":
		return h.managers()
	case "vendors.csv":
		return h.vendors()
	case "watchlist.csv":
		return h.watchList()
	case "badges.csv":
		return h.stays()
	}
	return nil
}

// managers: who answers for whom. The first physician of a department leads it, else the first of its staff; leaders
// answer to the first of quality.
func (h *Hospital) managers() [][]string {
	rows := [][]string{{"EMPLOYEE_ID", "MANAGER_ID", "SINCE"}}
	head := func(dept uint16) int32 {
		d := &h.departments[dept]
		if len(d.staff[physician]) > 0 {
			return d.staff[physician][0]
		}
		for r := range roles {
			if len(d.staff[r]) > 0 {
				return d.staff[r][0]
			}
		}
		return -1
	}
	top := head(uint16(h.byUnit[quality][0]))
	for i := range h.staff {
		m := &h.staff[i]
		boss := head(m.department)
		if boss == int32(i) {
			boss = top
		}
		if boss < 0 || boss == int32(i) {
			continue
		}
		since := max(m.hired, h.staff[boss].hired)
		rows = append(rows, []string{h.staffNumber(int32(i)), h.staffNumber(boss), string(appendDate(nil, h.startDay+since))})
	}
	return rows
}

func (h *Hospital) staffNumber(i int32) string { return string(h.appendStaffNumber(nil, i)) }

func (h *Hospital) rfc3339(at int64) string {
	return time.UnixMilli(at).In(h.cfg.Zone).Format(time.RFC3339)
}

var firms = []string{"Northgate Imaging Service", "Lakeshore Clinical Systems", "Tri-County Integration"}

// vendors: contracts with those from outside, and the tickets on which they were asked for help. One ticket in forty is
// missing, as it is where help was asked for by telephone.
func (h *Hospital) vendors() [][]string {
	rows := [][]string{{"TICKET", "EMPLOYEE_ID", "FIRM", "KIND", "FROM", "UNTIL"}}
	all := h.departments[h.byUnit[outside][0]].staff[contractor]
	for k, i := range all {
		m := &h.staff[i]
		end := m.left
		if end == never {
			end = int32(h.cfg.Days) + 200
		}
		rows = append(rows, []string{
			"CON-" + strconv.Itoa(1000+k), h.staffNumber(i), firms[k%len(firms)], "contract",
			h.rfc3339(h.at(int(m.hired), 0)), h.rfc3339(h.at(int(end), 0)),
		})
	}
	for day := -horizon; day < h.cfg.Days; day++ {
		for k, i := range all {
			t, ok := h.ticket(i, day)
			if !ok || mix(h.seed^uint64(i)<<32^uint64(int64(day)))%40 == 0 {
				continue
			}
			rows = append(rows, []string{
				fmt.Sprintf("TIC-%d-%d", int(h.startDay)+day, k+1), h.staffNumber(i), firms[k%len(firms)], "ticket",
				h.rfc3339(t.from), h.rfc3339(t.to),
			})
		}
	}
	return rows
}

// watchList: those whom the town knows, and colleagues who asked for it; who is in the news, from the day of the news.
// One in four of those whom the town knows is not on it.
func (h *Hospital) watchList() [][]string {
	rows := [][]string{{"PATIENT_ID", "PATIENT_SYSTEM", "LIST", "OWNER", "REASON", "FROM", "UNTIL"}}
	add := func(patient int32, list, reason string, from, until int32) {
		rows = append(rows, []string{
			string(h.appendMRN(nil, patient)), MRNSystem, list, "privacy-office", reason,
			string(appendDate(nil, h.startDay+from)), string(appendDate(nil, h.startDay+until)),
		})
	}
	for k, patient := range h.vips {
		if k%4 != 3 {
			add(patient, "vip", "known in town", -300, int32(h.cfg.Days)+300)
		}
	}
	for k, n := range h.news {
		if k%5 != 4 {
			add(n.patient, "news-"+strconv.Itoa(k+1), "in the news", n.day, n.day+21)
		}
	}
	d := h.roll(forContext, ofWatch, 0)
	for i := range h.staff {
		if patient := h.persons[h.staff[i].person].patient; patient >= 0 && d.chance(15) {
			add(patient, "staff", "asked for by the patient", int32(-d.between(10, 200)), int32(h.cfg.Days+d.between(10, 200)))
		}
	}
	return rows
}

// tables puts the tables and their mappings into the dataset.
func (d *dataset) tables() error {
	for _, name := range Tables() {
		f := d.file(name)
		w := csv.NewWriter(f)
		rows := d.h.Table(name)
		f.records = int64(len(rows) - 1)
		if err := w.WriteAll(rows); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		text, err := Mapping(name)
		if err != nil {
			return err
		}
		if _, err := d.file(mappingOf(name)).Write(text); err != nil {
			return fmt.Errorf("write a mapping: %w", err)
		}
	}
	return nil
}

func mappingOf(table string) string { return table[:len(table)-len(".csv")] + ".yaml" }

func (d *dataset) file(name string) *datasetFile {
	for _, f := range d.files {
		if f.name == name {
			return f
		}
	}
	return nil
}
