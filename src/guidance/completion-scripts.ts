/**
 * What shells are told so that TAB asks `deliver __complete WORDS...`, which answers with a line per candidate: the word, a tab
 * and a description, or `:files`. Words have no character that a shell would read.
 */
export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

export const scripts: Readonly<Record<Shell, string>> = {
  // bash 3.2, which macOS has, lacks mapfile and compopt.
  bash: `# TAB for deliver in bash. In ~/.bashrc: source <(deliver completion bash)
_deliver() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    if [ "$line" = :files ]; then
      compopt -o default 2>/dev/null
      return
    fi
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <("$1" __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null </dev/null)
}
complete -F _deliver deliver
`,
  zsh: `#compdef deliver
# TAB for deliver in zsh. In ~/.zshrc, after compinit: source <(deliver completion zsh)
_deliver() {
  local line word
  local -a found
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      _files
      return
    fi
    word=\${line%%$'\\t'*}
    found+=("\${word//:/\\\\:}:\${line#*$'\\t'}")
  done < <("\${(Q)words[1]}" __complete "\${(@Q)words[2,CURRENT]}" 2>/dev/null </dev/null)
  _describe deliver found
}
compdef _deliver deliver
`,
  fish: `# TAB for deliver in fish. In ~/.config/fish/config.fish: deliver completion fish | source
function __deliver_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l found (command $words[1] __complete $words[2..-1] "$current" 2>/dev/null </dev/null)
    if test "$found" = :files
        __fish_complete_path "$current"
    else
        printf '%s\\n' $found
    end
end
complete -c deliver -f -a '(__deliver_complete)'
`,
}
