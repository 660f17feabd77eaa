package main

import (
	"context"
	"flag"
	"fmt"
	"strings"
)

func completionCommand() *command {
	return &command{
		name: "completion", args: "bash|zsh|fish", min: 1, max: 1,
		short: "write a completion script for a shell",
		long:  "Writes a completion script for a shell. It completes commands, flags and files.",
		examples: []string{
			"source <(ltxstore completion bash)",
			"ltxstore completion zsh >~/.zfunc/_ltxstore",
			"ltxstore completion fish >~/.config/fish/completions/ltxstore.fish",
		},
		bind: func(*flag.FlagSet) func(context.Context, *app, []string) error {
			return func(_ context.Context, a *app, args []string) error {
				script, ok := map[string]func() string{"bash": bash, "zsh": zsh, "fish": fish}[args[0]]
				if !ok {
					return usagef("shell is %q: want bash, zsh or fish", args[0])
				}
				a.printf("%s", script())
				return nil
			}
		},
	}
}

// words returns the first words of all commands and, for each, its flags and
// second word if it has one.
func words() (names []string, further map[string][]string) {
	further = make(map[string][]string)
	for _, cmd := range commands() {
		first, second, _ := strings.Cut(cmd.name, " ")
		names = append(names, first)
		if second != "" {
			further[first] = append(further[first], second)
		}
		for _, f := range cmd.flags() {
			further[first] = append(further[first], "-"+f.Name)
		}
	}
	further["help"] = append(further["help"], names...)
	further["completion"] = append(further["completion"], "bash", "zsh", "fish")
	return names, further
}

func bash() string {
	names, further := words()
	var cases strings.Builder
	for _, name := range names {
		fmt.Fprintf(&cases, "    %s) words=%q ;;\n", name, strings.Join(further[name], " "))
	}
	return fmt.Sprintf(`# bash completion of ltxstore
_ltxstore() {
  local words=%q
  if ((COMP_CWORD > 1)); then
    case ${COMP_WORDS[1]} in
%s    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _ltxstore ltxstore
`, strings.Join(names, " "), cases.String())
}

func zsh() string {
	names, further := words()
	var cases strings.Builder
	for _, name := range names {
		fmt.Fprintf(&cases, "    %s) compadd -- %s; _files ;;\n", name, strings.Join(further[name], " "))
	}
	return fmt.Sprintf(`#compdef ltxstore
_ltxstore() {
  if ((CURRENT == 2)); then
    compadd -- %s
    return
  fi
  case ${words[2]} in
%s  esac
}
compdef _ltxstore ltxstore
`, strings.Join(names, " "), cases.String())
}

func fish() string {
	var script strings.Builder
	script.WriteString("# fish completion of ltxstore\n")
	for _, cmd := range commands() {
		first, second, _ := strings.Cut(cmd.name, " ")
		fmt.Fprintf(&script, "complete -c ltxstore -n __fish_use_subcommand -f -a %s -d %q\n", first, cmd.short)
		if second != "" {
			fmt.Fprintf(&script, "complete -c ltxstore -n '__fish_seen_subcommand_from %s' -a %s\n", first, second)
		}
		for _, f := range cmd.flags() {
			_, usage := flag.UnquoteUsage(f)
			fmt.Fprintf(&script, "complete -c ltxstore -n '__fish_seen_subcommand_from %s' -o %s -d %q\n", first, f.Name, usage)
		}
	}
	return script.String()
}
