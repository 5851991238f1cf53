package detectors

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/readtrail/readtrail/detectors/facts"
)

const (
	// hopsInTurn is how many changes between sites are no remote session that was opened once. Ours: there and back.
	hopsInTurn = 2
	// networkBits4 and networkBits6 are how much of an address names the network that it is in, in bits: an address that a device was
	// given today is no stranger in a network that others use. A /24 is the usual subnet, a /64 that of RFC 4291.
	networkBits4, networkBits6 = 24, 64
)

// address is who comes from a network address, or from a workstation where events name no address.
type address struct {
	// days are those on which anybody got in from it, accounts the different accounts of each of these days, summed up: together they
	// say how many it usually has. last is the latest day.
	days, accounts uint32
	// staff are the days of readers who are no patients.
	staff uint32
	last  day
	// desks are the departments of those who come from it, sites the sites that events name.
	desks, sites bench
}

// network is which days of readers, no patients, came from any address in it.
type network struct {
	staff uint32
	last  day
}

// otherwise is how many different accounts an address has on a usual day, rounded up, without a day on which it had so many.
func (a *address) otherwise(today uint32) int {
	if a == nil {
		return 0
	}
	days, accounts := a.days, a.accounts-min(a.accounts, today)
	if today > 0 && days > 0 {
		days--
	}
	if days == 0 {
		return 0
	}
	return int((accounts + days - 1) / days)
}

// site is where the desks behind an address stand: the site that three in four events name, if three in four of those who come from
// it work in one department. A gateway, a pool of virtual desktops or a VPN is used by people of many, a tablet that is carried
// around has many sites, and a site that only says which system told of the access (source.site) changes with the system.
func (a *address) site(days int64) facts.ID {
	if a == nil || a.desks.home(days) == 0 {
		return 0
	}
	return a.sites.home(days)
}

// from is where an access came from: its network address, else its workstation.
func (a *Access) from() facts.ID { return cmp.Or(a.Network, a.Workstation) }

// networkOf is the network that an address is in; false when it is a name.
func networkOf(text string) (netip.Prefix, bool) {
	at, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, false
	}
	at, bits := at.Unmap().WithZone(""), networkBits6
	if at.Is4() {
		bits = networkBits4
	}
	net, err := at.Prefix(bits)
	return net, err == nil
}

// rememberAddresses counts from where a reader got in.
func (j *judge) rememberAddresses(d *ReaderDay) {
	type place struct{ from, site facts.ID }
	var last place
	seen, nets := map[place]bool{}, map[netip.Prefix]bool{}
	var counted []facts.ID
	for i := range d.Accesses {
		a := &d.Accesses[i]
		at := place{a.from(), a.Site}
		if at.from == 0 || at == last || d.Reader == 0 || a.Any(SignRefused|SignSystem) {
			continue
		}
		last = at
		x := j.addresses[at.from]
		if x == nil {
			x = &address{}
			j.addresses[at.from] = x
		}
		if from := (place{from: at.from}); d.counted && !seen[from] && d.Day <= x.last {
			counted = append(counted, at.from) // somebody was counted there on that day or later
		}
		if slices.Contains(counted, at.from) {
			continue
		}
		if at.site != 0 && !seen[at] {
			seen[at] = true
			x.sites.add(at.site)
		}
		if from := (place{from: at.from}); !seen[from] {
			seen[from] = true
			x.count(d, a.Any(SignPatient))
			if net, ok := networkOf(j.state.Text(at.from)); ok && !nets[net] && !a.Any(SignPatient) {
				nets[net] = true
				j.rememberNetwork(net, d)
			}
		}
	}
}

// count adds a reader's day.
func (a *address) count(d *ReaderDay, patient bool) {
	if d.Day < a.last {
		return // what came late of a day that was counted
	}
	if d.Day > a.last {
		a.days, a.last = a.days+1, d.Day
	}
	a.accounts++
	if patient {
		return
	}
	a.staff++
	if at := d.Post.at(); at != 0 {
		a.desks.add(at)
	}
}

func (j *judge) rememberNetwork(net netip.Prefix, d *ReaderDay) {
	n := j.networks[net]
	if n == nil {
		n = &network{}
		j.networks[net] = n
	}
	if d.counted && d.Day <= n.last {
		return
	}
	n.staff, n.last = n.staff+1, max(n.last, d.Day)
}

// fadeAddresses halves what was counted of addresses.
func (j *judge) fadeAddresses() {
	for id, a := range j.addresses {
		a.days, a.accounts, a.staff = a.days/2, a.accounts/2, a.staff/2
		a.desks.fade()
		a.sites.fade()
		if a.days == 0 {
			delete(j.addresses, id)
		}
	}
	for net, n := range j.networks {
		if n.staff /= 2; n.staff == 0 {
			delete(j.networks, net)
		}
	}
}

// forgetAddresses drops the addresses and networks that were not used for the longest time, each down to a limit, and returns how many.
func (j *judge) forgetAddresses(limit int) int {
	return forgetOldest(j.addresses, limit, func(a *address) day { return a.last }, cmp.Compare[facts.ID]) +
		forgetOldest(j.networks, limit, func(n *network) day { return n.last }, netip.Prefix.Compare)
}

func forgetOldest[K comparable, V any](m map[K]V, limit int, last func(V) day, order func(a, b K) int) int {
	more := len(m) - limit
	if more <= 0 {
		return 0
	}
	all := slices.SortedFunc(maps.Keys(m), func(a, b K) int { return cmp.Or(cmp.Compare(last(m[a]), last(m[b])), order(a, b)) })
	for _, key := range all[:more] {
		delete(m, key)
	}
	return more
}

// adoptAddresses takes over what another judge knows of addresses that are not known.
func (j *judge) adoptAddresses(of *judge) {
	for id, a := range of.addresses {
		if j.addresses[id] == nil {
			j.addresses[id] = a
		}
	}
	for net, n := range of.networks {
		if j.networks[net] == nil {
			j.networks[net] = n
		}
	}
}

// strangeAddress (D17): from an address that nobody here uses otherwise, in a network that nobody here uses, where no workstation says more.
// It stands beside StrangePlace and is no grade of it: no grade counts as rarer than a worse one, so that addresses that change, as at home,
// would take the weight from a workstation of another department.
func strangeAddress() pairDetector {
	return pairDetector{
		Scale: Scale{
			Name: "StrangeAddress", Catalogue: "D17", Key: KeyPair, Peers: PeersSituation,
			Words: []string{"from an address that nobody here uses otherwise"},
		},
		grade: func(j *judge, p *Pair) Grade {
			a := &p.Accesses[0]
			if a.Network == 0 || a.Any(SignSystem|SignPatient) || !j.known(p.Base) || j.stands(a.Workstation) || !j.strange(a.Network) {
				return Quiet
			}
			return 1
		},
		tell: func(_ *teller, _ *Pair, _ Grade) string {
			return "It came from a network address that neither this reader nor anybody else here uses otherwise."
		},
		normal: "Remote work that was arranged, from an address that is known, would have made it normal.",
	}
}

// stands reports whether a workstation is one that was worked at before.
func (j *judge) stands(workstation facts.ID) bool {
	b := j.benches[workstation]
	return workstation != 0 && b != nil && int64(b.all) >= j.numbers[addressDays]
}

// strange reports whether the address, and the network that it is in, were used by nobody but on the day that is judged.
func (j *judge) strange(from facts.ID) bool {
	if a := j.addresses[from]; a != nil && int64(a.staff) >= j.numbers[addressDays] {
		return false
	}
	net, ok := networkOf(j.state.Text(from))
	if !ok {
		return true
	}
	n := j.networks[net]
	return n == nil || int64(n.staff) < j.numbers[addressDays]
}

// twoSites (D17): one account at work at two sites, by the addresses that it comes from, sooner than anybody gets from one to the other. What
// SharedAccount sees by the workstations is not counted again. It is a scale of its own, because what a hospital's sources name as a site may
// be anything: peers decide.
func twoSites() readerDetector {
	return readerDetector{
		Scale: Scale{
			Name: "TwoSites", Catalogue: "D17", Key: KeyReader, Peers: PeersGroup,
			Words: []string{"at two sites sooner than anybody gets there", "at two sites in turn sooner than anybody gets there"},
		},
		grade: func(j *judge, d *ReaderDay) Grade {
			switch n, _ := j.hops(d.Accesses); {
			case n >= hopsInTurn:
				return 2
			case n > 0:
				return 1
			}
			return Quiet
		},
		tell: func(t *teller, d *ReaderDay, _ Grade) string {
			n, first := t.judge.hops(d.Accesses)
			from, to := t.judge.state.Text(first.from), t.judge.state.Text(first.to)
			if first.metres < 0 {
				return fmt.Sprintf("The account was at work at two sites within %s, %s and %s, %s: two people seem to use it.",
					t.judge.numbers.inWords(siteMinutes, "minute"), from, to, times(n))
			}
			said := fmt.Sprintf("The account was at work at %s and at %s, %s apart, with %s between", from, to, farAway(first.metres), minutesOf(first.after))
			if n > 1 {
				said += ", and changed so " + times(n)
			}
			return said + ": two people seem to use it."
		},
		normal: "One account for each person would have made it normal.",
	}
}

// hop is a change between two sites that is too fast to be travelled.
type hop struct {
	from, to facts.ID
	// metres is how far apart they are; -1: it is not known where they are.
	metres int32
	// after is how much later the account was at work at the other one, in microseconds.
	after int64
}

// hops counts changes between sites that are too fast to be travelled, and returns the first.
func (j *judge) hops(accesses []Access) (n int, first hop) {
	var here, desk facts.ID // the site, and the department of the workstation
	var seen int64
	for i := range accesses {
		a := &accesses[i]
		if a.Network == 0 || a.Any(SignSystem|SignLogin|SignLogout|SignRefused) {
			continue
		}
		at := j.addresses[a.Network].site(j.numbers[deskDays])
		if at == 0 {
			continue
		}
		now, since := j.placeOf(a), a.Occurred-seen
		told := desk != 0 && now != 0 && now != desk && since <= j.numbers.minutes(leapMinutes)
		if here != 0 && at != here && !told {
			if metres := j.state.MetresApart(here, at); since <= j.numbers.travel(metres) {
				if n++; n == 1 {
					first = hop{here, at, metres, since}
				}
			}
		}
		here, desk, seen = at, now, a.Occurred
	}
	return n, first
}

// travel is within which time two sites exclude each other, in microseconds, by how many metres they are apart: by road, or from so far on by
// air where that takes longer. Where it is not known how far that is, it is the minutes of the site; of what is next to each other, less than
// none.
func (n *numerals) travel(metres int32) int64 {
	away := int64(metres)
	switch {
	case away < 0:
		return n.minutes(siteMinutes)
	case away <= n[nextToMetres]:
		return -1
	}
	hours := func(metres, kmPerHour int64) int64 { return metres * time.Hour.Microseconds() / (1000 * kmPerHour) }
	return max(hours(min(away, 1000*n[flownKilometres]), n[roadSpeed]), hours(away, n[airSpeed]))
}

// farAway is a distance in words.
func farAway(metres int32) string {
	if metres < 995 {
		return count(int(metres+5)/10*10, "metre")
	}
	return count((int(metres)+500)/1000, "kilometre")
}

// minutesOf is a time in words, in microseconds.
func minutesOf(us int64) string {
	if us < time.Minute.Microseconds() {
		return "less than a minute"
	}
	return count(int(us/time.Minute.Microseconds()), "minute")
}
