package columns

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// check walks a program and returns how many values it takes.
func check(program []byte) (width int, err error) {
	bad := fmt.Errorf("program: %w", ErrCorrupt)
	if len(program) == 1 && program[0] == opRaw {
		return 1, nil
	}
	depth := 0
	for len(program) > 0 {
		op := program[0]
		program = program[1:]
		if op == opEnd {
			if depth--; depth < 0 {
				return 0, bad
			}
			continue
		}
		_, n := protowire.ConsumeVarint(program)
		if n < 0 {
			return 0, bad
		}
		program = program[n:]
		switch op {
		case opBytes, opVarint:
			width++
		case opOpen:
			if depth++; depth > maxDepth+1 {
				return 0, bad
			}
		case opText:
			around, n := protowire.ConsumeBytes(program)
			if n < 0 {
				return 0, bad
			}
			values, ok := checkText(around)
			if !ok {
				return 0, bad
			}
			width += values
			program = program[n:]
		default:
			return 0, bad
		}
	}
	if depth != 0 || width > maxValues {
		return 0, bad
	}
	return width, nil
}

// checkText counts the values of a text and says whether its marks come in pairs.
func checkText(around []byte) (values int, ok bool) {
	open := false
	for _, b := range around {
		switch b {
		case placeholder:
			values++
		case encoded, plain:
			if open == (b == encoded) {
				return 0, false
			}
			open = !open
		}
	}
	return values, !open
}

// Records puts the records together. limit bounds the bytes of all.
func (t *Table) Records(limit int) ([][]byte, error) {
	out := make([][]byte, len(t.records))
	var buf []byte
	for i, r := range t.records {
		row := t.row(i)
		size := len(t.shapes[r.shape].program)
		for _, v := range row {
			if size += len(v) + binary.MaxVarintLen64; size > limit+len(t.shapes[r.shape].program)+binary.MaxVarintLen64*len(row) {
				return nil, fmt.Errorf("unpack: records beyond the limit: %w", ErrCorrupt)
			}
		}
		if size > cap(buf)-len(buf) {
			buf = make([]byte, 0, max(size, min(arena, size*(len(out)-i))))
		}
		from := len(buf)
		buf = assemble(buf, t.shapes[r.shape].program, row)
		if limit -= len(buf) - from; limit < 0 {
			return nil, fmt.Errorf("unpack: records beyond the limit: %w", ErrCorrupt)
		}
		out[i] = buf[from:len(buf):len(buf)]
	}
	return out, nil
}

// assemble runs a program that check has approved.
func assemble(out, program []byte, values [][]byte) []byte {
	if len(program) == 1 && program[0] == opRaw {
		return append(out, values[0]...)
	}
	var open [maxDepth + 2]int
	depth := 0
	for len(program) > 0 {
		op := program[0]
		program = program[1:]
		if op == opEnd {
			depth--
			out = closeMessage(out, open[depth]) //nolint:gosec // check has counted the ends
			continue
		}
		_, n := protowire.ConsumeVarint(program)
		out = append(out, program[:n]...)
		program = program[n:]
		switch op {
		case opBytes:
			out = protowire.AppendBytes(out, values[0])
			values = values[1:]
		case opVarint:
			out = append(out, values[0]...)
			values = values[1:]
		case opOpen:
			out = append(out, 0) // the length, where it takes one byte
			open[depth] = len(out)
			depth++
		case opText:
			around, n := protowire.ConsumeBytes(program)
			program = program[n:]
			out = append(out, 0)
			from := len(out)
			out, values = assembleText(out, around, values)
			out = closeMessage(out, from)
		}
	}
	return out
}

// assembleText puts values where their marks stand.
func assembleText(out, around []byte, values [][]byte) ([]byte, [][]byte) {
	from := 0 // where encoding begins
	for {
		k := 0
		for k < len(around) && around[k] > plain {
			k++
		}
		if out = append(out, around[:k]...); k == len(around) {
			return out, values
		}
		switch around[k] {
		case placeholder:
			out, values = append(out, values[0]...), values[1:]
		case encoded:
			from = len(out)
		case plain:
			text := bytes.Clone(out[from:])
			out = base64.StdEncoding.AppendEncode(out[:from], text)
		}
		around = around[k+1:]
	}
}

// closeMessage writes the length before what begins at from, where one byte was left for it.
func closeMessage(out []byte, from int) []byte {
	size := len(out) - from
	more := protowire.SizeVarint(uint64(size)) - 1
	if more > 0 {
		out = append(out, make([]byte, more)...)
		copy(out[from+more:], out[from:from+size])
	}
	protowire.AppendVarint(out[:from-1], uint64(size))
	return out
}
