// Deploycheck reads a compose file or a Dockerfile by the code that Docker itself reads it with, and prints what it
// understood as JSON, or what is wrong. Tests hold the deployment files of this repository to it.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

func main() {
	if len(os.Args) < 3 || (os.Args[1] == "compose" && len(os.Args) < 4) {
		fail("usage: deploycheck compose FILE ENVFILE [FILE ...] | dockerfile FILE")
	}
	switch os.Args[1] {
	case "compose":
		compose(append([]string{os.Args[2]}, os.Args[4:]...), os.Args[3])
	case "dockerfile":
		dockerfile(os.Args[2])
	default:
		fail("unknown: " + os.Args[1])
	}
}

func fail(text string) {
	fmt.Fprintln(os.Stderr, text)
	os.Exit(1)
}

func show(found any) {
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", " ")
	if wrong := encoder.Encode(found); wrong != nil {
		fail(wrong.Error())
	}
}

// compose loads files with the schema, interpolation and the checks of consistency. The environment is that of env.
func compose(files []string, env string) {
	options, wrong := cli.NewProjectOptions(
		files,
		cli.WithWorkingDirectory(filepath.Dir(files[0])),
		cli.WithEnvFiles(env),
		cli.WithDotEnv,
		cli.WithProfiles([]string{"*"}),
		cli.WithInterpolation(true),
		cli.WithConsistency(true),
	)
	if wrong != nil {
		fail(wrong.Error())
	}
	project, wrong := options.LoadProject(context.Background())
	if wrong != nil {
		fail(wrong.Error())
	}
	show(project)
}

// warning is what BuildKit's own rules for Dockerfiles say.
type warning struct{ Rule, Text string }

// stage is one FROM with its instructions, each by name and as it is written.
type stage struct {
	Base, Name   string
	Instructions [][2]string
}

func dockerfile(file string) {
	content, wrong := os.Open(file)
	if wrong != nil {
		fail(wrong.Error())
	}
	defer content.Close()
	parsed, wrong := parser.Parse(content)
	if wrong != nil {
		fail(wrong.Error())
	}
	warnings := []warning{}
	for _, one := range parsed.Warnings {
		warnings = append(warnings, warning{"parser", one.Short})
	}
	rules := linter.New(&linter.Config{Warn: func(rule, _, _, text string, _ []parser.Range) {
		warnings = append(warnings, warning{rule, text})
	}})
	stages, _, wrong := instructions.Parse(parsed.AST, rules)
	if wrong != nil {
		fail(wrong.Error())
	}
	found := []stage{}
	for _, one := range stages {
		each := stage{Base: one.BaseName, Name: one.Name, Instructions: [][2]string{}}
		for _, command := range one.Commands {
			text := ""
			if written, ok := command.(fmt.Stringer); ok {
				text = written.String()
			}
			each.Instructions = append(each.Instructions, [2]string{command.Name(), text})
		}
		found = append(found, each)
	}
	show(map[string]any{"stages": found, "warnings": warnings})
}
