package contexts

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func dev() Context {
	return Context{Name: "dev", Leaders: []Leader{{Name: "n1", Addr: "127.0.0.1:6390"}, {Name: "n2", Addr: "[::1]:6391"}}}
}

// placed is where the file of this test is to be. The folder that it is in is there already
// if made says so.
func placed(t *testing.T, made bool) string {
	t.Helper()
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	path, err := Path()
	if err == nil && made {
		err = os.Mkdir(filepath.Dir(path), 0o700)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWhatIsSavedIsLoaded(t *testing.T) {
	path := placed(t, false)
	prod := Context{Name: "prod", Leaders: []Leader{{Name: "a", Addr: "kv.example:6390"}}, User: "ann", PasswordFile: "/p", TLSCA: "/ca.pem"}
	err := Edit(func(b *Set) error {
		b.Put(prod)
		b.Put(dev())
		return b.Use("dev")
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Load(path)
	want := &Set{Current: "dev", Contexts: []Context{dev(), prod}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("loaded %+v, %v; want %+v", got, err, want)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
}

// TestALinkStays: people keep such files somewhere else.
func TestALinkStays(t *testing.T) {
	path := placed(t, true)
	dir := filepath.Dir(path)
	if err := os.Symlink("elsewhere.json", path); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := Edit(func(b *Set) error { b.Put(dev()); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	to, err := os.Readlink(path)
	if err != nil || to != "elsewhere.json" {
		t.Errorf("leads to %q, %v", to, err)
	}
	if b, err := Load(filepath.Join(dir, to)); err != nil || len(b.Contexts) != 1 {
		t.Errorf("%+v, %v", b, err)
	}
}

func TestNoFileIsAnEmptyBook(t *testing.T) {
	b, err := Load(filepath.Join(t.TempDir(), "none"))
	if err != nil || !reflect.DeepEqual(b, &Set{}) {
		t.Errorf("%+v, %v", b, err)
	}
}

func TestPutReplacesAndRemoveForgets(t *testing.T) {
	var b Set
	b.Put(dev())
	changed := dev()
	changed.Leaders = changed.Leaders[:1]
	b.Put(changed)
	if c, err := b.Get("dev"); err != nil || len(c.Leaders) != 1 || len(b.Contexts) != 1 {
		t.Errorf("%+v, %v", b, err)
	}
	if err := errors.Join(b.Use("dev"), b.Remove("dev")); err != nil || b.Current != "" || len(b.Contexts) != 0 {
		t.Errorf("%+v, %v", b, err)
	}
	for _, err := range []error{b.Use("dev"), b.Remove("dev")} {
		if !errors.Is(err, ErrUnknown) {
			t.Errorf("%v, want ErrUnknown", err)
		}
	}
}

func TestWhatIsWrongIsNeitherSavedNorLoaded(t *testing.T) {
	for name, change := range map[string]func(*Set){
		"no leader":      func(b *Set) { b.Contexts[0].Leaders = nil },
		"no host:port":   func(b *Set) { b.Contexts[0].Leaders[0].Addr = "n1" },
		"context name":   func(b *Set) { b.Contexts[0].Name = "../dev" },
		"leader name":    func(b *Set) { b.Contexts[0].Leaders[0].Name = "" },
		"is there twice": func(b *Set) { b.Contexts = append(b.Contexts, dev()) },
		"n1 is there":    func(b *Set) { b.Contexts[0].Leaders[1].Name = "n1" },
		"current":        func(b *Set) { b.Current = "other" },
	} {
		path := filepath.Join(t.TempDir(), "contexts.json")
		b := &Set{Contexts: []Context{dev()}}
		change(b)
		if err := Save(path, b); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: a file was written", name)
		}
	}
}

func TestAFileOfAnotherVersionIsLeftAlone(t *testing.T) {
	for _, text := range []string{`{"version":2,"contexts":[]}`, `{"version":1,"contexts":[],"more":1}`, `{`, `{"version":1,"current":"x","contexts":[]}`} {
		path := placed(t, true)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Edit(func(b *Set) error { b.Put(dev()); return nil }); err == nil {
			t.Errorf("%s was edited", text)
		}
		if now, err := os.ReadFile(path); err != nil || string(now) != text {
			t.Errorf("%s became %s, %v", text, now, err)
		}
	}
}

func TestFolders(t *testing.T) {
	t.Setenv("HOME", "/home/ann")
	t.Setenv("XDG_CONFIG_HOME", "relative")
	t.Setenv("XDG_STATE_HOME", "/state")
	path, err := Path()
	if err != nil || path != "/home/ann/.config/kvd/contexts.json" {
		t.Errorf("%s, %v", path, err)
	}
	dir, err := StateDir()
	if err != nil || dir != "/state/kvd" {
		t.Errorf("%s, %v", dir, err)
	}
}
