package show

import (
	"encoding/json"
	"strconv"
	"strings"

	"kvd/cmd/internal/cliutil"
	"kvd/replica/client"
)

// Reply is a leader's reply as it came.
func Reply(r client.Reply) Record {
	return Record{
		Text: func(p *Printer) string { return reply{r}.lines(p.Show) },
		Raw: func() string {
			if len(r.Items) > 0 {
				return strings.Join(r.Texts(), "\n") + "\n"
			}
			return r.Text
		},
		Columns: []string{"reply"},
		Rows:    func() [][]string { return row(strings.ReplaceAll(reply{r}.lines(Printable), "\n", " ")) },
		JSON:    func() any { return reply{r} },
	}
}

// reply is a leader's reply as a value of JSON.
type reply struct{ client.Reply }

// lines is the reply for people, as redis-cli shows it: nested lists indented.
func (r reply) lines(show func(string) string) string {
	var b strings.Builder
	r.write(&b, "", show)
	return strings.TrimSuffix(b.String(), "\n")
}

func (r reply) write(b *strings.Builder, indent string, show func(string) string) {
	switch {
	case r.IsNull():
		b.WriteString("(nil)\n")
	case r.Kind == '$':
		b.WriteString(show(r.Text) + "\n")
	case r.Kind == '-':
		b.WriteString("(error) " + Printable(r.Text) + "\n")
	case r.Kind == '*' || r.Kind == '%':
		r.writeItems(b, indent, show)
	default:
		b.WriteString(r.Text + "\n")
	}
}

func (r reply) writeItems(b *strings.Builder, indent string, show func(string) string) {
	if len(r.Items) == 0 {
		b.WriteString("(empty)\n")
		return
	}
	step, label := 1, func(i int) string { return strconv.Itoa(i+1) + ") " }
	if r.Kind == '%' {
		step, label = 2, func(i int) string { return show(r.Items[i].Text) + ": " }
	}
	for i := 0; i < len(r.Items); i += step {
		head := label(i)
		if i > 0 {
			b.WriteString(indent)
		}
		b.WriteString(head)
		reply{r.Items[i+step-1]}.write(b, indent+strings.Repeat(" ", len(head)), show)
	}
}

// MarshalJSON gives texts as blobs, and maps as objects.
func (r reply) MarshalJSON() ([]byte, error) {
	switch {
	case r.IsNull():
		return []byte("null"), nil
	case r.Kind == '$':
		return cliutil.Marshal(blobOf(r.Text))
	case r.Kind == '-':
		return cliutil.Marshal(object{{"error", r.Text}})
	case r.Kind == '*':
		return cliutil.Marshal(each(r.Items, func(item client.Reply) reply { return reply{item} }))
	case r.Kind == '%':
		var fields object
		for i := 0; i < len(r.Items); i += 2 {
			fields.Add(r.Items[i].Text, reply{r.Items[i+1]})
		}
		return cliutil.Marshal(fields)
	case json.Valid([]byte(r.Text)): // a number, a truth
		return []byte(r.Text), nil
	}
	return cliutil.Marshal(r.Text)
}
