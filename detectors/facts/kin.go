package facts

import "slices"

// kinships are the patients that a Person says are a member of staff, by nodes.
type kinships struct {
	facts    map[ID]kinFact
	patients map[ID][]said // by patient node: nodes of staff
	staff    map[ID][]said // by staff node: nodes of patients
}

type kinFact struct {
	staff    ID
	patients []ID
}

func newKinships() kinships {
	return kinships{facts: map[ID]kinFact{}, patients: map[ID][]said{}, staff: map[ID][]said{}}
}

// set replaces what a Person says. It returns the node of staff of before and all patients that were or are named.
func (k *kinships) set(fact, staff ID, patients []ID) (before ID, touched []ID) {
	old := k.facts[fact]
	for _, p := range old.patients {
		k.patients[p] = drop(k.patients, p, fact)
		k.staff[old.staff] = drop(k.staff, old.staff, fact)
		touched = append(touched, p)
	}
	delete(k.facts, fact)
	if staff == 0 || len(patients) == 0 {
		return old.staff, touched
	}
	k.facts[fact] = kinFact{staff, patients}
	for _, p := range patients {
		k.patients[p] = add(k.patients[p], said{staff, fact})
		k.staff[staff] = add(k.staff[staff], said{p, fact})
		touched = append(touched, p)
	}
	return old.staff, touched
}

func add(list []said, s said) []said {
	at, _ := slices.BinarySearchFunc(list, s, compareSaid)
	return slices.Insert(list, at, s)
}

// remove takes one out, where it is in.
func remove(list []said, s said) []said {
	at, ok := slices.BinarySearchFunc(list, s, compareSaid)
	if !ok {
		return list
	}
	return slices.Delete(list, at, at+1)
}

func compareSaid(a, b said) int { return compare2(a.staff, b.staff, a.fact, b.fact) }

func drop(lists map[ID][]said, at, fact ID) []said {
	return slices.DeleteFunc(lists[at], func(s said) bool { return s.fact == fact })
}
