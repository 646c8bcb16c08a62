package show

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"kvd/replica/client"
)

// Reply is a leader's reply as it came.
type Reply struct{ client.Reply }

// recordsOf is a list that is never null.
func recordsOf(items []client.Reply) []Reply {
	all := make([]Reply, len(items))
	for i, r := range items {
		all[i] = Reply{r}
	}
	return all
}

func (r Reply) Text(p *Printer) string { return r.lines(p.Show) }
func (r Reply) Raw() string {
	if len(r.Items) > 0 {
		return strings.Join(r.Texts(), "\n") + "\n"
	}
	return r.Reply.Text
}
func (r Reply) Columns() []string { return []string{"reply"} }
func (r Reply) Cells() []string {
	return []string{strings.ReplaceAll(r.lines(Printable), "\n", " ")}
}

// lines is the reply for people, as redis-cli shows it: nested lists indented.
func (r Reply) lines(show func(string) string) string {
	var b strings.Builder
	r.write(&b, "", show)
	return strings.TrimSuffix(b.String(), "\n")
}

func (r Reply) write(b *strings.Builder, indent string, show func(string) string) {
	switch r.Kind {
	case client.Null:
		b.WriteString("(nil)\n")
	case client.Text:
		b.WriteString(show(r.Reply.Text) + "\n")
	case client.Failure:
		b.WriteString("(error) " + Printable(r.Reply.Text) + "\n")
	case client.List, client.Dict:
		r.writeItems(b, indent, show)
	default:
		b.WriteString(r.Reply.Text + "\n")
	}
}

func (r Reply) writeItems(b *strings.Builder, indent string, show func(string) string) {
	if len(r.Items) == 0 {
		b.WriteString("(empty)\n")
		return
	}
	step, label := 1, func(i int) string { return strconv.Itoa(i+1) + ") " }
	if r.Kind == client.Dict {
		step, label = 2, func(i int) string { return show(r.Items[i].Text) + ": " }
	}
	for i := 0; i < len(r.Items); i += step {
		head := label(i)
		if i > 0 {
			b.WriteString(indent)
		}
		b.WriteString(head)
		Reply{r.Items[i+step-1]}.write(b, indent+strings.Repeat(" ", len(head)), show)
	}
}

// MarshalJSON gives texts as blobs, and maps as objects.
func (r Reply) MarshalJSON() ([]byte, error) {
	switch r.Kind {
	case client.Null:
		return []byte("null"), nil
	case client.Text:
		return marshal(blobOf(r.Reply.Text))
	case client.Failure:
		return marshal(struct {
			Error string `json:"error"`
		}{r.Reply.Text})
	case client.List:
		return marshal(recordsOf(r.Items))
	case client.Dict:
		return r.object()
	case client.Other:
		if json.Valid([]byte(r.Reply.Text)) {
			return []byte(r.Reply.Text), nil
		}
		return marshal(r.Reply.Text)
	}
	return []byte(r.Reply.Text), nil
}

func (r Reply) object() ([]byte, error) {
	var b bytes.Buffer
	for i := 0; i < len(r.Items); i += 2 {
		name, err := marshal(r.Items[i].Text)
		if err != nil {
			return nil, err
		}
		value, err := marshal(Reply{r.Items[i+1]})
		if err != nil {
			return nil, err
		}
		b.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
		b.Write(append(append(name, ':'), value...))
	}
	if b.Len() == 0 {
		return []byte("{}"), nil
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
