package facts

import "strings"

// LabelOf is the label that a sensitivity code stands for; 0 for one that says none.
func LabelOf(code string) Label { return labels[strings.ToUpper(code)] }
