//go:build !linux

package config

// holder cannot be asked for here.
func holder(string) string { return "" }

// machineMemory is not known here.
func machineMemory() Size { return 0 }
