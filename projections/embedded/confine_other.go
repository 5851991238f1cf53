//go:build !linux

package embedded

// Confined says in a sentence how far the operating system confines the engine's process, and whether it does.
func Confined() (string, bool) {
	return "not confined by the operating system: only Linux can (Landlock)", false
}

// confineThread does nothing here.
func confineThread(*Engine) error { return nil }
