package opfile

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"kvd/resolve/blackbox"
)

func decode(t testing.TB, format, text string) []*blackbox.Op {
	t.Helper()
	var ops []*blackbox.Op
	if err := Decode(format, "h", strings.NewReader(text), func(o *blackbox.Op) bool { ops = append(ops, o); return true }); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return ops
}

func showing(values ...string) blackbox.Reading {
	return blackbox.Reading{Known: true, Values: values}
}

// sample is one op of each form.
func sample() []*blackbox.Op {
	return []*blackbox.Op{
		{Line: 2, Client: "c1", Node: "n", Key: "k", Verb: blackbox.Set, Value: "v", Start: 1, End: 2, Stamp: 7},
		{Line: 3, Client: "c1", Key: "k", Verb: blackbox.Get, Read: showing(), Start: 3, End: 4},
		{Line: 4, Client: "c1", Node: "n", Key: "k", Verb: blackbox.Get, Read: showing("v"), Start: 3, End: 4, Final: true},
		{Line: 5, Client: "c2", Key: "k", Verb: blackbox.Get, Read: showing("v", "w"), Start: 3, End: 4},
		{Line: 6, Client: "c2", Key: "k", Verb: blackbox.Update, Value: "x", Shown: showing(), Start: 5, Outcome: blackbox.Indeterminate},
		{Line: 7, Client: "c2", Key: "k", Verb: blackbox.Update, Value: "y", Shown: showing("x"), Start: 5, End: 6, Outcome: blackbox.Failed},
		{Line: 8, Client: "c2", Key: "k", Verb: blackbox.Del, Start: 5, End: 6},
		{Line: 9, Client: "c2", Key: "n", Verb: blackbox.Incr, Delta: 1, Start: 5, End: 6},
		{Line: 10, Client: "c2", Key: "n", Verb: blackbox.Incr, Delta: -3, Read: showing("4"), Start: 5, End: 6},
		{Line: 11, Client: "c2", Key: "s", Verb: blackbox.Add, Value: "e", Start: 5, End: 6},
		{Line: 12, Client: "c2", Key: "s", Verb: blackbox.Add, Value: "f", Shown: showing("e"), Start: 5, End: 6},
		{Line: 13, Client: "c2", Key: "s", Verb: blackbox.Add, Value: "g", Shown: showing(), Start: 5, End: 6},
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	var b bytes.Buffer
	w, err := NewWriter(&b, "a test")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range sample() {
		if err := w.Put(o); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	same(t, decode(t, "jsonl", b.String()), sample())
}

func same(t *testing.T, got, want []*blackbox.Op) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d ops, want %d", len(got), len(want))
	}
	for i := range got {
		if len(got[i].Read.Values) == 0 {
			got[i].Read.Values = nil
		}
		if len(got[i].Shown.Values) == 0 {
			got[i].Shown.Values = nil
		}
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("read  %+v\nwrote %+v", got[i], want[i])
		}
	}
}

func TestRowsAreWhatLinesAre(t *testing.T) {
	same(t, decode(t, "csv", `op,client,node,key,value,shown,result,type,start,end,stamp,final
set,c1,n,k,v,,,ok,1,2,7,
get,c1,,k,null,,,,3,4,,false
get,c1,n,k,v,,,,3,4,,true
get,c2,,k,"[""v"",""w""]",,,,3,4,,
update,c2,,k,x,null,,info,5,,,
update,c2,,k,y,x,,fail,5,6,,
del,c2,,k,,,,,5,6,,
incr,c2,,n,,,,,5,6,,
incr,c2,,n,-3,,4,,5,6,,
add,c2,,s,e,,,,5,6,,
add,c2,,s,f,"[""e""]",,,5,6,,
add,c2,,s,g,[],,,5,6,,
`), sample())
}

func TestTimesMayBeDates(t *testing.T) {
	ops := decode(t, "jsonl", `{"client":1,"key":"k","op":"set","value":5,"start":"2024-05-01T12:00:00Z","end":"1714564800000000500"}`)
	if ops[0].End-ops[0].Start != 500 || ops[0].Client != "1" || ops[0].Value != "5" {
		t.Errorf("%+v", ops[0])
	}
}

func TestJepsensHistoriesAreRead(t *testing.T) {
	text := `; a register, then a set, then a register among independent ones
{:type :invoke, :f :write, :value 3, :process 0, :time 10, :index 0}
{:type :invoke, :f :read, :value nil, :process 1, :time 11, :node "n2"}
{:type :info, :f :start, :process :nemesis, :time 12, :value "cut"}
{:type :ok, :f :write, :value 3, :process 0, :time 20}
#jepsen.history.Op{:type :ok, :f :read, :value 3, :process 1, :time 21, :node "n2"}
{:type :invoke, :f :cas, :value [3 4], :process 0, :time 30}
{:type :fail, :f :cas, :value [3 4], :process 0, :time 31}
{:type :invoke, :f :add, :value 1, :process 2, :time 40} {:type :info, :f :add, :value 1, :process 2, :time 50, :error :timeout}
{:type :invoke, :f :read, :process 0, :time 60}
{:type :ok, :f :read, :value #{1 2}, :process 0, :time 61, :final? true}
{:type :invoke, :f :write, :value ["x}" 9], :process 5, :time 70}
{:type :invoke, :f :read, :value ["x}" nil], :process 6, :time 71}
{:type :ok, :f :read, :value ["x}" 9], :process 6, :time 72}
{:type :invoke, :f :cas, :value ["x}" [9 8]], :process 7, :time 73}
{:type :ok, :f :cas, :value ["x}" [9 8]], :process 7, :time 74}
`
	want := []*blackbox.Op{
		{Line: 2, Client: "0", Verb: blackbox.Set, Value: "3", Start: 10, End: 20},
		{Line: 3, Client: "1", Node: "n2", Verb: blackbox.Get, Read: showing("3"), Start: 11, End: 21},
		{Line: 7, Client: "0", Verb: blackbox.Update, Value: "4", Shown: showing("3"), Start: 30, End: 31, Outcome: blackbox.Failed},
		{Line: 9, Client: "2", Verb: blackbox.Add, Value: "1", Start: 40, End: 50, Outcome: blackbox.Indeterminate},
		{Line: 10, Client: "0", Verb: blackbox.Get, Read: showing("1", "2"), Start: 60, End: 61, Final: true},
		{Line: 13, Client: "6", Key: "x}", Verb: blackbox.Get, Read: showing("9"), Start: 71, End: 72},
		{Line: 15, Client: "7", Key: "x}", Verb: blackbox.Update, Value: "8", Shown: showing("9"), Start: 73, End: 74},
		{Line: 12, Client: "5", Key: "x}", Verb: blackbox.Set, Value: "9", Start: 70, Outcome: blackbox.Indeterminate},
	}
	same(t, decode(t, "edn", text), want)
	wrapped := "[" + strings.ReplaceAll(text, "; a register, then a set, then a register among independent ones", "") + "]"
	same(t, decode(t, "edn", wrapped), want)
}

// TestMistakesAreSaidWithTheirLines: what is there, and what was expected.
func TestMistakesAreSaidWithTheirLines(t *testing.T) {
	ok := `{"client":"c","key":"k","op":"get","value":null,"start":1,"end":2}` + "\n"
	for _, c := range []struct{ format, text, want string }{
		{"jsonl", ok + "x", `h:2: an object such as {"client":"c1","op":"get",…} was expected, not "x"`},
		{"jsonl", ok + `{"client":"c"`, "h:2: the object does not end on its line"},
		{"jsonl", ok + ok[:len(ok)-1] + " {}", "h:2: one object a line was expected, and more follows"},
		{"jsonl", `{"clinet":"c"}`, `h:1: unknown field "clinet"; known are client, node, key`},
		{"jsonl", `{"client":"c","op":"got"}`, `h:1: op is "got"; one of get, set, update, del, incr, add was expected`},
		{"jsonl", `{"client":"c","op":"get","type":"okay"}`, `h:1: type is "okay"; ok, info or fail was expected`},
		{"jsonl", `{"op":"get"}`, "h:1: client is missing"},
		{"jsonl", `{"client":"c","op":"get"}`, "h:1: start is missing"},
		{"jsonl", `{"client":"c","op":"get","start":1}`, "h:1: end is missing"},
		{"jsonl", `{"client":"c","op":"get","start":1,"end":2}`, "h:1: value is missing: what the get showed"},
		{"jsonl", `{"client":"c","op":"set","start":1,"end":2}`, "h:1: value is missing: the one text that set writes"},
		{"jsonl", `{"client":"c","op":"update","value":1,"start":1,"end":2}`, "h:1: shown is missing"},
		{"jsonl", `{"client":"c","op":"set","value":1,"shown":1,"start":1,"end":2}`, "h:1: shown belongs to update and add, not to set"},
		{"jsonl", `{"client":"c","op":"set","value":1,"result":1,"start":1,"end":2}`, "h:1: result belongs to incr, not to set"},
		{"jsonl", `{"client":"c","op":"set","value":1,"final":true,"start":1,"end":2}`, "h:1: final belongs to get, not to set"},
		{"jsonl", `{"client":"c","op":"del","value":1,"start":1,"end":2}`, "h:1: a del has no value"},
		{"jsonl", `{"client":"c","op":"incr","value":"x","start":1,"end":2}`, "h:1: value of an incr is a whole number"},
		{"jsonl", `{"client":"c","op":"incr","result":"x","start":1,"end":2}`, "h:1: result of an incr is a whole number"},
		{"jsonl", `{"client":"c","op":"get","start":"noon","end":2}`, `h:1: a time is whole nanoseconds, or RFC 3339`},
		{"jsonl", `{"client":"c","op":"get","value":null,"start":3,"end":2}`, "h:1: the op ends before it begins"},
		{"jsonl", `{"client":{},"op":"get"}`, `h:1: a text or a number was expected, not "{}"`},
		{"jsonl", `{"client":"c","op":"get","value":[[1]]}`, `h:1: a text or a number was expected, not "[1]"`},
		{"jsonl", `{"client":"c","op":"get","final":1}`, "h:1: final cannot be a number"},
		{"jsonl", "1\n2\n" + ok + "3", "h:1: an object such as {\"client\":\"c1\",\"op\":\"get\",…} was expected, not \"1\"\nh:2: an object such"},
		{"csv", "client,colour\n", `h:1: the header names a field "colour"; known are client`},
		{"csv", "client,op\nc,get,x\n", "h:2: wrong number of fields; the header has 2 fields"},
		{"csv", "client,op,value\nc,get,[1\n", "h:2: value: "},
		{"csv", "client,op,final\nc,get,yes\n", `h:2: final: true or false was expected, not "yes"`},
		{"edn", "\n:x", "h:2: a map such as {:type :invoke, …} was expected, not ':'"},
		{"edn", "{:type :invoke", "h:1: the form does not end"},
		{"edn", "{:a}", "h:1: not EDN"},
		{"edn", "{:process 1 :type :done}", `h:1: :type is ":done"; :invoke, :ok, :info or :fail was expected`},
		{"edn", "{:process 1 :type :ok}", "h:1: :time is missing"},
		{"edn", "{:process 1 :type :ok :time 1}", "h:1: process 1 completes what it has not begun"},
		{"edn", "{:process 1 :type :invoke :time 1 :f :txn}", `h:1: :f is ":txn"; :read, :write, :cas or :add was expected`},
		{"edn", "{:process 1 :type :invoke :time 1 :f :cas :value 3}", "h:1: the :value of a :cas is a vector"},
		{"edn", "{:process 1 :type :invoke :time 1 :f :write}", "h:1: a value was expected, not nil"},
		{"edn", "{:process 1 :type :invoke :time 1 :f :read}\n{:process 1 :type :invoke :time 1 :f :read}", "h:2: process 1 has an op of line 1 under way"},
	} {
		err := Decode(c.format, "h", strings.NewReader(c.text), func(*blackbox.Op) bool { return true })
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s %q:\ngot  %v\nwant %s", c.format, c.text, err, c.want)
		}
	}
}

// TestMistakesAreGatheredUpToABound: a file in another format has one on every line.
func TestMistakesAreGatheredUpToABound(t *testing.T) {
	err := Decode("jsonl", "h", strings.NewReader(strings.Repeat("x\n", 1000)), func(*blackbox.Op) bool { return true })
	m, ok := errors.AsType[*Mistakes](err)
	if !ok || len(m.All) != MaxMistakes || !m.More || !strings.Contains(err.Error(), "and perhaps more") {
		t.Errorf("%v", err)
	}
}

// TestAFileIsReadAgain and a stream is not.
func TestAFileIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.csv")
	text := "client,key,op,value,start,end\nc,k,set,v,1,2\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f := &File{Path: path, Name: "h", Format: FormatOf(path)}
	stream := &File{Name: "h", Format: "csv", Once: strings.NewReader(text)}
	for pass, want := range []error{nil, ErrOnce} {
		for _, f := range []*File{f, stream} {
			n := 0
			for range f.All() {
				n++
			}
			if f == stream && want != nil {
				if !errors.Is(f.Err(), want) {
					t.Errorf("pass %d of the stream: %v", pass+1, f.Err())
				}
			} else if n != 1 || f.Err() != nil {
				t.Errorf("pass %d: %d ops, %v", pass+1, n, f.Err())
			}
		}
	}
	for range f.All() {
		break
	}
	if f.Err() != nil {
		t.Errorf("who stops reading made no mistake: %v", f.Err())
	}
	if f.Path = path + "x"; FormatOf("a.EDN") != "edn" || FormatOf("a") != "jsonl" {
		t.Error("the name says the format")
	}
	for range f.All() {
		t.Error("there is no such file")
	}
	if !errors.Is(f.Err(), os.ErrNotExist) {
		t.Error(f.Err())
	}
}

// Fuzz tests: whatever a file holds, it is read or a mistake is said, and what is read can
// be judged.

func FuzzJSONLines(f *testing.F) {
	f.Add(`{"client":"c","key":"k","op":"get","value":["a"],"start":1,"end":2}`)
	f.Add(`{"client":"c","key":"k","op":"update","value":"a","shown":null,"type":"info","start":"2024-05-01T12:00:00Z"}`)
	f.Fuzz(func(t *testing.T, text string) { readable(t, "jsonl", text) })
}

func FuzzCSV(f *testing.F) {
	f.Add("client,key,op,value,start,end\nc,k,set,\"[1,2]\",1,2\n")
	f.Fuzz(func(t *testing.T, text string) { readable(t, "csv", text) })
}

func FuzzEDN(f *testing.F) {
	f.Add(`{:type :invoke, :f :write, :value [1 2], :process 0, :time 10} {:type :ok, :f :write, :value 3, :process 0, :time 20}`)
	f.Add(`[#a.b{:type :invoke, :f :read, :value #{1 "x" [2]}, :process 0, :time 10N} ; c`)
	f.Fuzz(func(t *testing.T, text string) { readable(t, "edn", text) })
}

func readable(t *testing.T, format, text string) {
	var ops []*blackbox.Op
	err := Decode(format, "h", strings.NewReader(text), func(o *blackbox.Op) bool { ops = append(ops, o); return true })
	if m, ok := errors.AsType[*Mistakes](err); err != nil && (!ok || len(m.All) == 0) {
		t.Fatalf("%q: %v", text, err)
	}
	for _, o := range ops {
		if err := o.Validate(); err != nil {
			t.Fatalf("%q: %+v: %v", text, o, err)
		}
	}
	if _, err := blackbox.Judge(blackbox.Config{Losses: 3}, &File{Name: "h", Format: format, Once: strings.NewReader(text)}); err != nil && len(ops) == 0 {
		return
	}
}
