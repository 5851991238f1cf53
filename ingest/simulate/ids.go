package simulate

import "strconv"

// Systems that assign identifiers in the synthetic hospital.
const (
	// MRNSystem assigns medical record numbers.
	MRNSystem = "https://millbrook.example/ids/mrn"
	// StaffSystem assigns staff numbers.
	StaffSystem = "https://millbrook.example/ids/staff"
	roleSystem  = "https://millbrook.example/codes/role"
	accession   = "https://millbrook.example/ids/accession"

	firstMRN   = 2_400_000
	firstStaff = 10_000
)

const hexDigits = "0123456789abcdef"

func appendHex(b []byte, x uint64, digits int) []byte {
	for i := digits - 1; i >= 0; i-- {
		b = append(b, hexDigits[x>>(4*i)&15])
	}
	return b
}

func appendInt[T ~int | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32](b []byte, x T) []byte {
	return strconv.AppendInt(b, int64(x), 10)
}

// mix32 is a bijection on 32 bits, so that no two logical ids meet.
func mix32(x uint32) uint32 {
	x = (x ^ x>>16) * 0x7feb352d
	x = (x ^ x>>15) * 0x846ca68b
	return x ^ x>>16
}

// mix24 is a bijection on 24 bits, which is more than the accesses of a day.
func mix24(x uint32) uint32 {
	x &= 0xffffff
	x = (x ^ x>>12) * 0x6b352d & 0xffffff
	x = (x ^ x>>11) * 0x8ca68b & 0xffffff
	return x ^ x>>12
}

func (h *Hospital) appendMRN(b []byte, patient int32) []byte {
	return appendInt(b, firstMRN+h.mrnOf[patient])
}

// appendOldMRN writes the number of a merged second record, which the laboratory still uses.
func (h *Hospital) appendOldMRN(b []byte, patient int32) []byte {
	return appendInt(b, firstMRN+int32(len(h.patients))+h.patients[patient].duplicate)
}

// byRecordNumber returns the patient with the n-th record number.
func (h *Hospital) byRecordNumber(n int) int32 { return h.patientOf[n] }

func (h *Hospital) appendStaffNumber(b []byte, staff int32) []byte {
	return appendInt(append(b, 'S'), firstStaff+staff)
}

func (h *Hospital) appendPatientID(b []byte, patient int32) []byte {
	return appendHex(append(b, "pt-"...), uint64(mix32(uint32(patient)^uint32(h.seed))), 8)
}

func (h *Hospital) appendStaffID(b []byte, staff int32) []byte {
	return appendHex(append(b, "pr-"...), uint64(mix32(uint32(staff)^uint32(h.seed>>32))), 8)
}

func (h *Hospital) appendDepartmentID(b []byte, dept uint16) []byte {
	b = append(b, "dep-"...)
	for _, c := range []byte(h.departments[dept].code) {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	return b
}

// appendEncounter writes the number of an encounter: the day on which the episode began, its number on that day, and its
// own within the episode. What was on file before is numbered by its patient.
func (h *Hospital) appendEncounter(b []byte, enc uint64) []byte {
	if enc&onFile != 0 {
		return appendHex(append(b, 'p'), uint64(mix32(uint32(enc)^uint32(h.seed))), 8)
	}
	id := enc >> 3
	b = appendInt(b, int64(h.startDay)+int64(id>>episodeBits)-dayZero)
	b = appendInt(append(b, '-'), int64(id&(1<<episodeBits-1)))
	return appendInt(append(b, '-'), int64(enc&7+1))
}

// appendObject writes the logical id of a part of a record.
func (h *Hospital) appendObject(b []byte, object uint64) []byte {
	b = h.appendEncounter(b, object>>16)
	return appendInt(append(b, '-'), int64(object&0xffff))
}

// requestKey is the same for the server's and the app's report of one request.
func (h *Hospital) requestKey(day int, pass uint64, a *access) uint64 {
	return mix(mix(h.seed^uint64(forIDs)<<56^uint64(int64(day)+dayZero)<<24^mix(pass)) ^ uint64(a.ordinal))
}

// eventPrefix tells the systems' ids apart.
var eventPrefix = [sources]string{ehr: "ae-", pacs: "px.", lab: "LP-"}

// appendEventID writes AuditEvent.id: the system, five digits of the Config, so that two hospitals can live in one journal,
// the day and a number. The report of the app has one more letter, and a day lived again its pass.
func (h *Hospital) appendEventID(b []byte, day int, pass uint64, a *access) []byte {
	b = appendHex(append(b, eventPrefix[a.source]...), h.tag, 5)
	b = appendInt(append(b, '.'), int64(h.startDay)+int64(day))
	// The running number is written in disguise: it would tell what was planned together.
	b = appendHex(append(b, '.'), uint64(mix24(a.ordinal^uint32(h.seed)^uint32(day)<<8)), 6)
	if a.app {
		b = append(b, 'c')
	}
	if pass > 0 {
		b = strconv.AppendUint(append(b, '.'), pass, 36)
	}
	return b
}

// appendUUID writes a UUID of version 4 shape (RFC 9562) that stands for a key.
func appendUUID(b []byte, key uint64) []byte {
	low := mix(key)
	b = append(appendHex(b, key>>32, 8), '-')
	b = append(appendHex(b, key>>16, 4), '-', '4')
	b = append(appendHex(b, key, 3), '-', hexDigits[8+low>>62])
	b = append(appendHex(b, low>>48, 3), '-')
	return appendHex(b, low, 12)
}
