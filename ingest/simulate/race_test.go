//go:build race

package simulate_test

// slowdown is by how much less the longest tests look at where the race detector makes everything slow. What they claim
// stays the same.
const slowdown = 4
