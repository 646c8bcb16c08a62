package cliutil

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"
)

// Completion is the command that prints what a shell needs to complete the
// program's commands and flags.
func Completion() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print completions for a shell",
		ArgsUsage: "bash|zsh|fish",
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return Usage(c.App.Name+" completion takes one shell", fmt.Sprintf("%d were given", c.NArg()), fmt.Sprintf("source <(%s completion bash)", c.App.Name))
			}
			text, err := completion(c.App, c.Args().First())
			if err != nil {
				return err
			}
			_, err = io.WriteString(c.App.Writer, text)
			return err
		},
	}
}

func completion(app *cli.App, shell string) (string, error) {
	switch shell {
	case "bash":
		return bash(app), nil
	case "zsh":
		return "autoload -U +X bashcompinit && bashcompinit\n" + bash(app), nil
	case "fish":
		text, err := app.ToFishCompletion()
		if err != nil {
			return "", Fail("no completions for fish", err, "")
		}
		return text, nil
	}
	return "", Usage(fmt.Sprintf("no completions for %q", shell), OneOf(shell, "bash", "zsh", "fish").Error(),
		fmt.Sprintf("source <(%s completion bash)", app.Name))
}

// bash is a function that offers the commands first, then the flags of the
// command chosen, and file names beside them.
func bash(app *cli.App) string {
	var b strings.Builder
	var names []string
	for _, c := range app.Commands {
		if !c.Hidden {
			names = append(names, c.Name)
		}
	}
	fmt.Fprintf(&b, "_%s() {\n  local words\n  case \"${COMP_WORDS[1]}\" in\n", app.Name)
	for _, c := range app.Commands {
		words := append(flagWords(c.Flags), flagWords(app.Flags)[1:]...)
		for _, sub := range c.Subcommands {
			words = append(words, sub.Name)
		}
		fmt.Fprintf(&b, "    %s) words=%q ;;\n", c.Name, strings.Join(words, " "))
	}
	fmt.Fprintf(&b, "  esac\n  [ \"$COMP_CWORD\" = 1 ] && words=%q\n", strings.Join(names, " "))
	fmt.Fprintf(&b, "  COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\ncomplete -o default -F _%[1]s %[1]s\n", app.Name)
	return b.String()
}

func flagWords(flags []cli.Flag) []string {
	words := []string{"--help"}
	for _, f := range flags {
		for _, name := range f.Names() {
			if len(name) > 1 && name != "help" {
				words = append(words, dashed(name))
			}
		}
	}
	return words
}
