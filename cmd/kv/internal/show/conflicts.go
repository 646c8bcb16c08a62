package show

import (
	"fmt"

	"kvd/replica/client"
	"kvd/replica/client/answers"
)

// Conflict is a dot with two contents as a record.
type Conflict struct{ answers.Conflict }

func (c Conflict) Text(*Printer) string {
	state := ""
	if c.Settled != "" {
		state = "  settled by " + Printable(c.Settled)
	}
	return fmt.Sprintf("%s%s\n  at %s   %s\n  elsewhere   %s", Printable(c.Dot), state, Printable(c.Leader), contentText(c.Here), contentText(c.There))
}

func contentText(c answers.Content) string {
	if c.Value.Kind == client.Null {
		return fmt.Sprintf("%s of %s", Printable(c.Kind), Brief(c.Key))
	}
	return fmt.Sprintf("%s of %s: %s", Printable(c.Kind), Brief(c.Key), Brief(c.Value.Text))
}

func (c Conflict) Raw() string { return c.Dot }
func (c Conflict) Columns() []string {
	return []string{"dot", "leader", "settled", "here", "there"}
}
func (c Conflict) Cells() []string {
	return []string{Printable(c.Dot), Printable(c.Leader), Printable(c.Settled), contentText(c.Here), contentText(c.There)}
}

type contentJSON struct {
	Key   keyName `json:"key"`
	Kind  string  `json:"kind"`
	Value Reply   `json:"value"` // null: a deletion
}

// MarshalJSON has both contents.
func (c Conflict) MarshalJSON() ([]byte, error) {
	return marshal(struct {
		Dot     string      `json:"dot"`
		By      string      `json:"accepted_by"`
		Leader  string      `json:"leader"`
		Settled string      `json:"settled"`
		Here    contentJSON `json:"here"`
		There   contentJSON `json:"there"`
	}{c.Dot, c.By, c.Leader, c.Settled, contentJSON{keyName(c.Here.Key), c.Here.Kind, Reply{c.Here.Value}}, contentJSON{keyName(c.There.Key), c.There.Kind, Reply{c.There.Value}}})
}

// Omitted says that a leader found more than it kept.
func Omitted(leader string, n int64) string {
	return fmt.Sprintf("%s found %s more than it keeps: settle what is listed, and start it again, so that the rest is found", Printable(leader), Count(int(n), "content"))
}

// IdentityTroubles says where a leader shares its origin, or dots have two contents.
func IdentityTroubles(name string, p answers.ConflictPage) (troubles []string) {
	for _, why := range p.Refuses {
		troubles = append(troubles, fmt.Sprintf("%s takes no writes: %s", Printable(name), Printable(why)))
	}
	if p.Omitted > 0 {
		troubles = append(troubles, Omitted(name, p.Omitted))
	}
	if p.Open > 0 {
		text := fmt.Sprintf("%s has %s whose dot another leader has given to something else", Printable(name), Count(int(p.Open), "write"))
		if len(p.Conflicts) > 0 {
			text += ", the first " + Printable(p.Conflicts[0].Dot) + " of " + Brief(p.Conflicts[0].Here.Key)
		}
		troubles = append(troubles, text+"; kv admin conflicts names both contents of each, kv admin accept chooses one")
	}
	return troubles
}
