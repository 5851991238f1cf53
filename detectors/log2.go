package detectors

import "math/bits"

// Weight is a logarithm to the base 2, in 1/256: integers, because floating point differs between processors.
type Weight int32

// bit is one bit of evidence.
const bit Weight = 256

// log2Table holds 256*log2(1 + i/64), rounded, for i from 0 to 64.
var log2Table = [65]uint16{
	0, 6, 11, 17, 22, 28, 33, 38, 44, 49, 54, 59, 63, 68, 73, 78, 82, 87, 92, 96, 100, 105, 109, 113, 118, 122, 126, 130, 134, 138,
	142, 146, 150, 154, 157, 161, 165, 169, 172, 176, 179, 183, 186, 190, 193, 197, 200, 203, 207, 210, 213, 216, 220, 223, 226,
	229, 232, 235, 238, 241, 244, 247, 250, 253, 256,
}

// log2 is 256*log2(n), within two units; n below 1 counts as 1.
func log2(n uint64) Weight {
	if n <= 1 {
		return 0
	}
	top := bits.Len64(n) - 1
	var rest uint64 // the bits below the top one, as 16
	if top >= 16 {
		rest = n >> (top - 16) & 0xffff
	} else {
		rest = n << (16 - top) & 0xffff
	}
	i, part := rest>>10, rest&0x3ff
	low, high := uint64(log2Table[i]), uint64(log2Table[i+1])
	return Weight(uint64(top)*256 + low + (high-low)*part>>10)
}

// ratio is 256*log2(a/b) with a and b in any equal unit.
func ratio(a, b uint64) Weight { return log2(max(a, 1)) - log2(max(b, 1)) }

// exp2Table holds 2^(i/16)*4096, rounded.
var exp2Table = [17]uint32{4096, 4277, 4467, 4664, 4871, 5087, 5312, 5547, 5793, 6049, 6317, 6597, 6889, 7194, 7512, 7845, 8192}

// exp2 is 2^(w/256) times 65536, for w up to 30 bits; far below zero it is 0.
func exp2(w Weight) uint64 {
	whole, part := int(w>>8), uint32(w&255)
	low, high := exp2Table[part>>4], exp2Table[part>>4+1]
	m := uint64(low + (high-low)*(part&15)>>4) // 4096 to 8192
	switch shift := whole + 4; {
	case shift >= 0:
		return m << min(shift, 46)
	case shift > -14:
		return m >> -shift
	}
	return 0
}

// chance is the probability in per mille that belongs to odds of 2^(w/256).
func chance(w Weight) int32 {
	if w >= 20*bit {
		return 1000
	}
	odds := exp2(w)
	return int32(odds * 1000 / (odds + 65536))
}
