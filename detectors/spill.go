package detectors

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/readtrail/readtrail/detectors/facts"
	"github.com/readtrail/readtrail/proto"
)

// spill keeps days in files that are too large to wait in memory: those of the learning period, and those of an import. Files only
// grow, so a snapshot says how much of each it knows; what is not needed any more is removed once a snapshot does without it.
type spill struct {
	dir string
	// unused are files that nothing of now needs, but the last snapshot may; fresh those of which no snapshot can know.
	unused []string
	fresh  map[string]struct{}
	buf    []byte
	made   uint64
}

// spilled is the part of a day that is in a file.
type spilled struct {
	name     string
	accesses int
	// sum is the XXH64 of what was written.
	sum *xxhash.Digest
}

// spillBlock is how many accesses are written or read at a time: 300 kB.
const spillBlock = 4096

// accessBytes is what an access takes in a file.
const accessBytes = 78

func appendAccess(b []byte, a *Access) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(a.Position))
	b = binary.LittleEndian.AppendUint64(b, uint64(a.Occurred))
	b = binary.LittleEndian.AppendUint64(b, uint64(a.Number))
	b = binary.LittleEndian.AppendUint32(b, uint32(a.Signs))
	b = binary.LittleEndian.AppendUint32(b, a.Count)
	for _, id := range [...]facts.ID{
		a.Reader, a.Patient, a.Department, a.Role, a.Workstation, a.Network, a.Object, a.Site,
	} {
		b = binary.LittleEndian.AppendUint32(b, uint32(id))
	}
	b = binary.LittleEndian.AppendUint32(b, a.Request)
	b = binary.LittleEndian.AppendUint32(b, a.BasedOn)
	b = binary.LittleEndian.AppendUint16(b, uint16(a.Labels))
	return append(binary.LittleEndian.AppendUint16(b, a.Nth), a.Action, uint8(a.Why))
}

func readAccess(b []byte) Access {
	id := func(i int) facts.ID { return facts.ID(binary.LittleEndian.Uint32(b[32+4*i:])) }
	return Access{
		Position: proto.Position(binary.LittleEndian.Uint64(b)), Occurred: int64(binary.LittleEndian.Uint64(b[8:])),
		Number: int64(binary.LittleEndian.Uint64(b[16:])), Signs: Sign(binary.LittleEndian.Uint32(b[24:])),
		Count: binary.LittleEndian.Uint32(b[28:]), Reader: id(0), Patient: id(1), Department: id(2), Role: id(3), Workstation: id(4),
		Network: id(5), Object: id(6), Site: id(7), Request: binary.LittleEndian.Uint32(b[64:]),
		BasedOn: binary.LittleEndian.Uint32(b[68:]), Labels: facts.Label(binary.LittleEndian.Uint16(b[72:])), Nth: binary.LittleEndian.Uint16(b[74:]),
		Action: b[76], Why: min(Why(b[77]), whys-1),
	}
}

// write appends the accesses of a page to its file, and takes them out of memory, with what finds them while their day goes on: it has
// ended.
func (s *spill) write(book string, p *page) error {
	if p.file.name == "" {
		s.made++
		p.file = spilled{name: fmt.Sprintf("%s-%d-%d.accesses", book, p.at, s.made), sum: xxhash.New()}
		s.fresh[p.file.name] = struct{}{}
	}
	file, err := os.OpenFile(filepath.Join(s.dir, p.file.name), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("keep a day: %w", err)
	}
	at := int64(p.file.accesses) * accessBytes
	for block := range slices.Chunk(p.accesses, spillBlock) {
		s.buf = s.buf[:0]
		for i := range block {
			s.buf = appendAccess(s.buf, &block[i])
		}
		if _, err = file.WriteAt(s.buf, at); err != nil {
			break
		}
		_, _ = p.file.sum.Write(s.buf)
		at += int64(len(s.buf))
	}
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("keep a day: %w", err)
	}
	p.file.accesses += len(p.accesses)
	p.accesses, p.open = nil, nil
	return nil
}

// read gives back a page: what is in its file, and then what is in memory.
func (s *spill) read(f *spilled, memory []Access) ([]Access, error) {
	out := make([]Access, 0, f.accesses+len(memory))
	err := s.each(f, func(a *Access) error {
		out = append(out, *a)
		return nil
	})
	return append(out, memory...), err
}

// each hands over what is in a file, one by one.
func (s *spill) each(f *spilled, take func(*Access) error) error {
	file, err := os.Open(filepath.Join(s.dir, f.name))
	if err != nil {
		return fmt.Errorf("read a day: %w", err)
	}
	defer file.Close()
	block := make([]byte, min(spillBlock, f.accesses)*accessBytes)
	sum := xxhash.New()
	for left := f.accesses; left > 0; {
		n := min(left, spillBlock)
		if _, err := io.ReadFull(file, block[:n*accessBytes]); err != nil {
			return fmt.Errorf("read a day: %w", err)
		}
		_, _ = sum.Write(block[:n*accessBytes])
		for i := range n {
			a := readAccess(block[i*accessBytes:])
			if err := take(&a); err != nil {
				return err
			}
		}
		left -= n
	}
	if sum.Sum64() != f.sum.Sum64() {
		return fmt.Errorf("read a day: its file was changed: %w", ErrSnapshot)
	}
	return nil
}

// adopt cuts a file to what a snapshot knows of it.
func (s *spill) adopt(p *page) error {
	if p.file.name == "" {
		return nil
	}
	path, want := filepath.Join(s.dir, p.file.name), int64(p.file.accesses)*accessBytes
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist), err == nil && info.Size() < want:
		return fmt.Errorf("a day's file is not there as the snapshot knows it: %w", ErrSnapshot)
	case err != nil:
		return fmt.Errorf("find a day: %w", err)
	case info.Size() > want:
		if err := os.Truncate(path, want); err != nil {
			return fmt.Errorf("cut a day: %w", err)
		}
	}
	return nil
}

// drop says that a file is not needed any more.
func (s *spill) drop(p *page) {
	if s != nil && p.file.name != "" {
		s.unused = append(s.unused, p.file.name)
	}
}

// discard is drop of a day that may have been written anew many times since a snapshot: a file that none can know goes at once.
func (s *spill) discard(p *page) {
	if s == nil || p.file.name == "" {
		return
	}
	if _, fresh := s.fresh[p.file.name]; fresh && os.Remove(filepath.Join(s.dir, p.file.name)) == nil {
		delete(s.fresh, p.file.name)
		return
	}
	s.drop(p)
}
