package facts

import (
	"math"
	"math/bits"
)

// Distances are computed in integers, with 40 bits behind the point, so that all processors agree to the metre.
const (
	fixedBits = 40
	fixedOne  = int64(1) << fixedBits
	fixedPi   = int64(3454217652358) // pi
	// earthMetres is the mean radius of the earth (IUGG).
	earthMetres = 6371009
)

// mulFixed multiplies numbers whose product is below 2^23.
func mulFixed(a, b int64) int64 {
	hi, lo := bits.Mul64(magnitude(a), magnitude(b))
	out := int64(hi<<(64-fixedBits) | lo>>fixedBits)
	if (a < 0) != (b < 0) {
		return -out
	}
	return out
}

// divFixed divides numbers that are not negative, the quotient below 2^23.
func divFixed(a, b int64) int64 {
	q, _ := bits.Div64(uint64(a)>>(64-fixedBits), uint64(a)<<fixedBits, uint64(b))
	return int64(q)
}

func magnitude(a int64) uint64 {
	if a < 0 {
		return uint64(-a)
	}
	return uint64(a)
}

// sinFixed is the sine of an angle in radians between -pi and pi, by its series.
func sinFixed(x int64) int64 {
	if x > fixedPi/2 {
		x = fixedPi - x
	} else if x < -fixedPi/2 {
		x = -fixedPi - x
	}
	square := mulFixed(x, x)
	sum := int64(0)
	for i, c := range sinSeries {
		if square < fixedOne>>10 && i < len(sinSeries)-3 {
			continue // a small angle: its high powers are nothing
		}
		sum = mulFixed(sum, square) + c
	}
	return mulFixed(sum, x)
}

// sinSeries are the coefficients of x^15, x^13, ... x: 1/n!, with signs.
var sinSeries = [...]int64{
	-fixedOne / 1307674368000, fixedOne / 6227020800, -fixedOne / 39916800, fixedOne / 362880, -fixedOne / 5040, fixedOne / 120,
	-fixedOne / 6, fixedOne,
}

// rootFixed is the square root of a number from 0 to 4.
func rootFixed(x int64) int64 {
	return root128(uint64(x)>>(64-fixedBits), uint64(x)<<fixedBits)
}

// hypotFixed is sqrt(a*a + b*b), exact for small numbers too.
func hypotFixed(a, b int64) int64 {
	xHi, xLo := bits.Mul64(magnitude(a), magnitude(a))
	yHi, yLo := bits.Mul64(magnitude(b), magnitude(b))
	lo, carry := bits.Add64(xLo, yLo, 0)
	hi, _ := bits.Add64(xHi, yHi, carry)
	return root128(hi, lo)
}

// root128 is the whole square root of a number below 2^126. The float is a guess: the integers around it decide, so that all
// processors agree.
func root128(hi, lo uint64) int64 {
	r := uint64(math.Sqrt(float64(hi)*(1<<64) + float64(lo)))
	for above(r, hi, lo) {
		r--
	}
	for !above(r+1, hi, lo) {
		r++
	}
	return int64(r)
}

// above reports whether the square of r is above a number.
func above(r, hi, lo uint64) bool {
	h, l := bits.Mul64(r, r)
	return h > hi || h == hi && l > lo
}

// asinFixed is the arc sine of a number from 0 to 1. Halving the angle makes the series short: for distances on earth that
// people walk or drive it is short already.
func asinFixed(x int64) int64 {
	x = min(x, fixedOne)
	times := int64(1)
	for x > fixedOne>>4 {
		// sin(a/2) = sin(a) / sqrt(2 + 2 cos(a))
		cos := rootFixed(fixedOne - mulFixed(x, x))
		x = divFixed(x, rootFixed(2*fixedOne+2*cos))
		times *= 2
	}
	square := mulFixed(x, x)
	power, sum := x, x
	for n := int64(1); n <= 7; n += 2 {
		power = mulFixed(power, square) * n / (n + 1)
		sum += power / (n + 2)
	}
	return times * sum
}

// radians of an angle in millionths of a degree.
func radians(e6 int32) int64 {
	hi, lo := bits.Mul64(magnitude(int64(e6)), uint64(fixedPi))
	q, _ := bits.Div64(hi, lo, 180_000_000)
	if e6 < 0 {
		return -int64(q)
	}
	return int64(q)
}

// metres is the great-circle distance between two places, by the haversine formula.
func metres(lat1, lon1, lat2, lon2 int32) int32 {
	dLon := lon2 - lon1
	if dLon > 180_000_000 {
		dLon -= 360_000_000
	} else if dLon < -180_000_000 {
		dLon += 360_000_000
	}
	sLat := sinFixed(radians(lat2-lat1) / 2)
	sLon := sinFixed(radians(dLon) / 2)
	cos := mulFixed(sinFixed(fixedPi/2-radians(lat1)), sinFixed(fixedPi/2-radians(lat2)))
	// The half chord is the root of squares that may be tiny: hypotFixed keeps all their digits.
	h := hypotFixed(sLat, mulFixed(rootFixed(cos), sLon))
	hi, lo := bits.Mul64(uint64(asinFixed(h)), 2*earthMetres)
	return int32(hi<<(64-fixedBits) | (lo+uint64(fixedOne)/2)>>fixedBits)
}
