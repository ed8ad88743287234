package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCmd struct {
	Shell string `arg:"" help:"bash, zsh or fish." enum:"bash,zsh,fish"`
}

// Help shows where the script goes.
func (completionCmd) Help() string {
	return "Examples:\n  source <(llmtap completion bash)\n  llmtap completion fish > ~/.config/fish/completions/llmtap.fish"
}

// Run prints the completion script, made from the command's own grammar.
func (c *completionCmd) Run(env environment, k *kong.Context) error {
	words := commandWords(k.Model.Node, "")
	s := &sheet{w: env.stdout}
	switch c.Shell {
	case "fish":
		for _, w := range words {
			cond := "__fish_use_subcommand"
			if w.path != "" {
				cond = "__fish_seen_subcommand_from " + w.path
			}
			for _, v := range w.values {
				s.print(fmt.Sprintf("complete -c llmtap -f -n '%s' -a '%s'\n", cond, v))
			}
		}
	case "zsh":
		s.print("#compdef llmtap\nautoload -U +X bashcompinit && bashcompinit\n")
		fallthrough
	default:
		s.print(bashScript(words))
	}
	return s.err
}

// words are what can follow a command path.
type words struct {
	path   string
	values []string
}

func commandWords(n *kong.Node, path string) []words {
	w := words{path: path}
	var below []words
	for _, child := range n.Children {
		if child.Hidden {
			continue
		}
		w.values = append(w.values, child.Name)
		below = append(below, commandWords(child, strings.TrimSpace(path+" "+child.Name))...)
	}
	for _, f := range n.Flags {
		if !f.Hidden {
			w.values = append(w.values, "--"+f.Name)
		}
	}
	return append([]words{w}, below...)
}

func bashScript(list []words) string {
	var b strings.Builder
	b.WriteString("_llmtap() {\n  local cur=\"${COMP_WORDS[COMP_CWORD]}\" path=\"\" w\n")
	b.WriteString("  for w in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do case \"$w\" in -*) ;; *) path=\"${path:+$path }$w\" ;; esac; done\n")
	b.WriteString("  case \"$path\" in\n")
	for _, w := range list {
		fmt.Fprintf(&b, "    %q) COMPREPLY=($(compgen -W %q -- \"$cur\")) ;;\n", w.path, strings.Join(w.values, " "))
	}
	b.WriteString("    *) COMPREPLY=() ;;\n  esac\n  [ ${#COMPREPLY[@]} -gt 0 ] || compopt -o default\n}\ncomplete -F _llmtap llmtap\n")
	return b.String()
}
