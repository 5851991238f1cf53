package projections

import (
	"github.com/cespare/xxhash/v2"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// GroupKey is the group_key of a department and role, at least 2, as limits compare them (proto.FoldPlace); 0 when both are empty.
func GroupKey(department, role string) uint64 {
	department, role = proto.FoldPlace(department), proto.FoldPlace(role)
	if department == "" && role == "" {
		return 0
	}
	return max(xxhash.Sum64(appendPacked(nil, true, department, role)), 2)
}

// readerGroup is what an event says of its reader's department and role.
func readerGroup(r *v1.Reader) (department, role string) {
	return r.GetDepartment(), codeOf(r.GetRole())
}

// readerGroupRow is a row of reader_groups_vN.
type readerGroupRow struct {
	group, reader, position uint64
	occurred                int64
	// packed is the reader as accesses_by_reader_vN has it.
	packed, department, role string
	hash                     uint64
}

// groupKinds sets hashes of groups apart from those of names and links.
const groupKinds = 192

// groups notes in which department and role a reader acted on which day.
func (f *folder) groups(a *accessFacts) {
	if a.groupKey == 0 || a.readerKey == NoReader {
		return
	}
	department, role := readerGroup(a.event.Reader)
	// One reader has one row a day: what differs from day to day goes into the number.
	hash := hashOf(groupKinds, a.readerSystem, a.readerValue, department, role) ^ uint64(dayOf(a.occurred))*0x9e3779b97f4a7c15
	if f.repeated(hash) {
		return
	}
	f.out.groups = append(f.out.groups, readerGroupRow{
		group: a.groupKey, reader: a.readerKey, position: a.position, occurred: a.occurred, packed: string(f.packs.reader),
		department: department, role: role, hash: hash,
	})
}

// addGroup writes a row, unless it is known to stand in the table.
func (r *run) addGroup(g *readerGroupRow, seen *seenSet) {
	if !seen.add(g.hash) {
		return
	}
	w := r.block(readerGroups).begin()
	w.u64(g.group)
	w.day(g.occurred)
	w.u64(g.reader)
	w.text(g.packed)
	w.text(g.department)
	w.text(g.role)
	w.u64(g.position)
	w.end()
}
