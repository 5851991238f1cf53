//go:build !race

package projections_test

// killRounds is how often each commit point is hit.
const killRounds = 3
