//go:build !faults

package fault

// Point marks a commit point by its name.
func Point(string) {}
