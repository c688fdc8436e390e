# fish completion for xats
# Generated from the command tree by tools/generate.py; change that, then: make generate

# Say whether the verb of the line is $verb, and, if $place is given, whether its argument number $place comes next.
function __xats_at --argument-names verb place
    set -l words
    set -l skip no
    for word in (commandline -opc)[2..-1]
        if test $skip = yes
            set skip no
            continue
        end
        switch $word
            case --as --batch --cap --client --db --from --key --kind --limit --model --older --output --pane --param --reason --reply-to --role --since --subject --tag --team --thread --timeout --to --ttl --type --wait --wake --whose
                set skip yes
            case '-?*' # short ones may be joined, and then the last may take a value
                string match --quiet --regex -- '^-[^-nops]*[nops]$' $word; and set skip yes
            case '*'
                set -a words $word
        end
    end
    set -l path (string split --no-empty ' ' -- $verb)
    set -l wanted (count $path)
    test (count $words) -ge $wanted; or return
    test $wanted -eq 0; or test "$words[1..$wanted]" = "$verb"; or return
    test -z "$place"; or test (count $words) -eq (math $wanted + $place - 1)
end

# Print values of kind $kind, each with a description.
function __xats_ask --argument-names kind
    set -l common
    set -l option
    for word in (commandline -opc)
        if set -q option[1]
            set -a common $option $word
            set option
            continue
        end
        switch $word
            case --as --db --team
                set option $word
            case '--as=*' '--db=*' '--team=*'
                set -a common (string split --max 1 = -- $word)
        end
    end
    set -l typed (commandline -ct | string replace --regex -- '^--[a-z-]+=' '' | string trim --chars '"\'')
    command xats _complete $kind "$typed" $common 2>/dev/null
end

complete -c xats -f
complete -c xats -l as -x -k -a '(__xats_ask agent)' -d 'Act as this agent. Else XATS_AGENT, my session, my pane.'
complete -c xats -l team -x -k -a '(__xats_ask team)' -d 'The team. Else XATS_TEAM, the git folder\'s name.'
complete -c xats -l db -r -F -d 'The store. Else XATS_DB, or xats.db in XATS_HOME.'
complete -c xats -l json -d 'Print one JSON document.'
complete -c xats -l quiet -s q -d 'Print only the result.'
complete -c xats -l help -s h -d 'Show a short help and exit.'
complete -c xats -n "__xats_at '' 1" -l version -s V -d 'Print the version.'
complete -c xats -n "__xats_at '' 1" -a send -d 'Send mail to an agent, a role, a tag, a capability or everybody.'
complete -c xats -n "__xats_at '' 1" -a broadcast -d 'Send to everybody in the team, or to everybody with a role.'
complete -c xats -n "__xats_at '' 1" -a reply -d 'Answer a message, in its thread.'
complete -c xats -n "__xats_at '' 1" -a ack -d 'Acknowledge a message: seen, and no answer will come.'
complete -c xats -n "__xats_at '' 1" -a inbox -d 'Show unread mail, oldest first, and mark it read once it is written out.'
complete -c xats -n "__xats_at '' 1" -a show -d 'Show one message that you sent or got, and mark it read.'
complete -c xats -n "__xats_at '' 1" -a thread -d 'Show the whole conversation that a message belongs to, and mark it read.'
complete -c xats -n "__xats_at '' 1" -a status -d 'Show what became of a message that you sent.'
complete -c xats -n "__xats_at '' 1" -a wait -d 'Wait until there is unread mail: exit 0 when there is, 124 when the time is over.'
complete -c xats -n "__xats_at '' 1" -a register -d 'Register as an agent of this team, in this pane.'
complete -c xats -n "__xats_at '' 1" -a unregister -d 'Take an agent out of the team; its mail is kept for its name.'
complete -c xats -n "__xats_at '' 1" -a agents -d 'List the agents of this team.'
complete -c xats -n "__xats_at '' 1" -a top -d 'Watch the team live.'
complete -c xats -n "__xats_at '' 1" -a pause -d 'Hold the wakes of an agent, or of the whole team; mail is stored meanwhile.'
complete -c xats -n "__xats_at '' 1" -a resume -d 'End a pause: who has got mail meanwhile is woken, once for all of it.'
complete -c xats -n "__xats_at '' 1" -a whoami -d 'Say who I am here, and how that is known.'
complete -c xats -n "__xats_at '' 1" -a events -d 'Show what happened, or follow it as it happens.'
complete -c xats -n "__xats_at '' 1" -a poke -d 'Type a prompt into an agent\'s pane and submit it; for people only.'
complete -c xats -n "__xats_at '' 1" -a deliver -d 'Try every due wake once, without a daemon.'
complete -c xats -n "__xats_at '' 1" -a dead -d 'Mail that could not be delivered: list, show, retry, drop.'
complete -c xats -n "__xats_at '' 1" -a daemon -d 'The background process that wakes agents: run, start, stop, status.'
complete -c xats -n "__xats_at '' 1" -a doctor -d 'Look at everything that mail depends on, and say what mends it; change nothing.'
complete -c xats -n "__xats_at '' 1" -a client -d 'How agent programs look in a pane: list, show, test.'
complete -c xats -n "__xats_at '' 1" -a db -d 'The store: info, backup, export, query, prune, check.'
complete -c xats -n "__xats_at '' 1" -a demo -d 'Show two agents writing to each other in a private tmux server.'
complete -c xats -n "__xats_at '' 1" -a demo-agent -d 'Be a small agent in this pane: it reads its mail when it is woken.'
complete -c xats -n "__xats_at '' 1" -a schema -d 'Print the JSON Schema of what a verb prints with --json.'
complete -c xats -n "__xats_at 'dead' 1" -a list -d 'List the mail that nobody could be woken for, and mail that expired.'
complete -c xats -n "__xats_at 'dead' 1" -a show -d 'Show a dead letter: to whom, since when, why, and what mends it.'
complete -c xats -n "__xats_at 'dead' 1" -a retry -d 'Wake the recipient of a dead letter once more, or send it to another.'
complete -c xats -n "__xats_at 'dead' 1" -a drop -d 'Take a dead letter off the list; unread mail stays in its inbox.'
complete -c xats -n "__xats_at 'daemon' 1" -a run -d 'Drive the wakes in the foreground until SIGTERM or Ctrl-C.'
complete -c xats -n "__xats_at 'daemon' 1" -a start -d 'Start the daemon unless it runs.'
complete -c xats -n "__xats_at 'daemon' 1" -a stop -d 'Stop the daemon.'
complete -c xats -n "__xats_at 'daemon' 1" -a status -d 'Say whether the daemon runs, and what is due.'
complete -c xats -n "__xats_at 'client' 1" -a list -d 'List the client programs that xats knows the look of.'
complete -c xats -n "__xats_at 'client' 1" -a show -d 'Show what xats knows of one client program, as TOML.'
complete -c xats -n "__xats_at 'client' 1" -a test -d 'Say what xats sees in a live pane.'
complete -c xats -n "__xats_at 'db' 1" -a info -d 'Say what the store is and what is in it.'
complete -c xats -n "__xats_at 'db' 1" -a backup -d 'Copy the store to a file, at one moment and while others write.'
complete -c xats -n "__xats_at 'db' 1" -a export -d 'Print whole tables, as they all are at one moment: JSON Lines, or CSV.'
complete -c xats -n "__xats_at 'db' 1" -a query -d 'Run a statement of SQL that reads, over a private copy of the store.'
complete -c xats -n "__xats_at 'db' 1" -a prune -d 'Remove old mail that everybody has read, and old events.'
complete -c xats -n "__xats_at 'db' 1" -a check -d 'Say what is wrong with the store, and what mends it; exit 5 if anything is.'
complete -c xats -n "__xats_at 'send' 1" -k -a '(__xats_ask address)'
complete -c xats -n "__xats_at 'send'" -l subject -s s -x -d 'A subject of one line.'
complete -c xats -n "__xats_at 'send'" -l need-reply -d 'Whether an answer is expected. Default: from named agents.'
complete -c xats -n "__xats_at 'send'" -l no-need-reply -d 'Whether an answer is expected. Default: from named agents.'
complete -c xats -n "__xats_at 'send'" -l kind -x -d 'What kind of message, for scripts. Default: mail.'
complete -c xats -n "__xats_at 'send'" -l key -x -d 'Send at most once under this key.'
complete -c xats -n "__xats_at 'send'" -l ttl -x -d 'Expire copies that are unread after this time.'
complete -c xats -n "__xats_at 'send'" -l reply-to -x -k -a '(__xats_ask message)' -d 'Put it into the thread of this message.'
complete -c xats -n "__xats_at 'send'" -l no-wake -d 'Wake nobody for it.'
complete -c xats -n "__xats_at 'send'" -l wait -x -d 'Wait until everybody has read it; else exit 124.'
complete -c xats -n "__xats_at 'send'" -l batch -r -F -d 'Send every line of a JSON Lines file (or -), all or none: to, body, ...'
complete -c xats -n "__xats_at 'broadcast'" -l role -x -k -a '(__xats_ask peer-role)' -d 'Only those with this role.'
complete -c xats -n "__xats_at 'broadcast'" -l subject -s s -x -d 'A subject of one line.'
complete -c xats -n "__xats_at 'broadcast'" -l kind -x -d 'What kind of message, for scripts. Default: mail.'
complete -c xats -n "__xats_at 'broadcast'" -l key -x -d 'Send at most once under this key.'
complete -c xats -n "__xats_at 'broadcast'" -l ttl -x -d 'Expire copies that are unread after this time.'
complete -c xats -n "__xats_at 'broadcast'" -l no-wake -d 'Wake nobody for it.'
complete -c xats -n "__xats_at 'reply' 1" -k -a '(__xats_ask received)'
complete -c xats -n "__xats_at 'reply'" -l subject -s s -x -d 'A subject of one line.'
complete -c xats -n "__xats_at 'reply'" -l need-reply -d 'Whether an answer is expected. Default: from named agents.'
complete -c xats -n "__xats_at 'reply'" -l no-need-reply -d 'Whether an answer is expected. Default: from named agents.'
complete -c xats -n "__xats_at 'reply'" -l kind -x -d 'What kind of message, for scripts. Default: mail.'
complete -c xats -n "__xats_at 'reply'" -l key -x -d 'Send at most once under this key.'
complete -c xats -n "__xats_at 'reply'" -l ttl -x -d 'Expire copies that are unread after this time.'
complete -c xats -n "__xats_at 'reply'" -l no-wake -d 'Wake nobody for it.'
complete -c xats -n "__xats_at 'ack' 1" -k -a '(__xats_ask received)'
complete -c xats -n "__xats_at 'inbox'" -l peek -d 'Leave it unread.'
complete -c xats -n "__xats_at 'inbox'" -l all -d 'Read mail too.'
complete -c xats -n "__xats_at 'inbox'" -l from -x -k -a '(__xats_ask peer)' -d 'Only from this agent.'
complete -c xats -n "__xats_at 'inbox'" -l thread -x -k -a '(__xats_ask message)' -d 'Only of this thread.'
complete -c xats -n "__xats_at 'inbox'" -l since -x -k -a '(__xats_ask received)' -d 'Only what is newer than this id.'
complete -c xats -n "__xats_at 'inbox'" -l limit -s n -x -d 'At most so many.'
complete -c xats -n "__xats_at 'inbox'" -l wait -x -d 'Wait so long for mail; else exit 124.'
complete -c xats -n "__xats_at 'show' 1" -k -a '(__xats_ask message)'
complete -c xats -n "__xats_at 'thread' 1" -k -a '(__xats_ask message)'
complete -c xats -n "__xats_at 'thread'" -l limit -s n -x -d 'At most so many.'
complete -c xats -n "__xats_at 'status' 1" -k -a '(__xats_ask sent)'
complete -c xats -n "__xats_at 'wait'" -l timeout -x -d 'Give up after this time with exit 124.'
complete -c xats -n "__xats_at 'register' 1" -k -a '(__xats_ask name)'
complete -c xats -n "__xats_at 'register'" -l role -x -k -a '(__xats_ask role)' -d 'What it is there for.'
complete -c xats -n "__xats_at 'register'" -l client -x -k -a 'claude-code codex gemini opencode cursor copilot qwen amp aider generic human' -d 'Which program sits there. Default: found out.'
complete -c xats -n "__xats_at 'register'" -l tag -x -k -a '(__xats_ask tag)' -d 'A tag; repeatable.'
complete -c xats -n "__xats_at 'register'" -l cap -x -k -a '(__xats_ask cap)' -d 'A capability; repeatable.'
complete -c xats -n "__xats_at 'register'" -l model -x -d 'Which model it runs.'
complete -c xats -n "__xats_at 'register'" -l pane -x -k -a '(__xats_ask pane)' -d 'The tmux pane it sits in. Default: this one.'
complete -c xats -n "__xats_at 'register'" -l no-pane -d 'Bind no pane: nothing is typed at it.'
complete -c xats -n "__xats_at 'register'" -l wake -x -k -a 'tmux notice command none' -d 'How to wake it: tmux, notice, command or none. Default: tmux; a person: none.'
complete -c xats -n "__xats_at 'register'" -l takeover -d 'Take the name from a living process.'
complete -c xats -n "__xats_at 'unregister' 1" -k -a '(__xats_ask agent)'
complete -c xats -n "__xats_at 'unregister'" -l force -d 'Even if somebody else sits there.'
complete -c xats -n "__xats_at 'agents'" -l online -d 'Only those whose process lives.'
complete -c xats -n "__xats_at 'agents'" -l role -x -k -a '(__xats_ask role)' -d 'Only those with this role.'
complete -c xats -n "__xats_at 'agents'" -l all-teams -d 'Those of every team.'
complete -c xats -n "__xats_at 'pause' 1" -k -a '(__xats_ask agent)'
complete -c xats -n "__xats_at 'pause'" -l reason -x -d 'Why, in one line.'
complete -c xats -n "__xats_at 'resume' 1" -k -a '(__xats_ask agent)'
complete -c xats -n "__xats_at 'events'" -l follow -s f -d 'Go on as they happen, until Ctrl-C.'
complete -c xats -n "__xats_at 'events'" -l since -x -d 'Only what is newer than this id. Default: the latest.'
complete -c xats -n "__xats_at 'events'" -l type -x -d 'Only of this type.'
complete -c xats -n "__xats_at 'events'" -l limit -s n -x -d 'At most so many.'
complete -c xats -n "__xats_at 'events'" -l jsonl -d 'Print one JSON document a line.'
complete -c xats -n "__xats_at 'poke' 1" -k -a '(__xats_ask agent)'
complete -c xats -n "__xats_at 'poke'" -l yes -s y -d 'Do not ask.'
complete -c xats -n "__xats_at 'poke'" -l timeout -x -d 'Give up after this time with exit 124.'
complete -c xats -n "__xats_at 'deliver'" -l once -d 'Try every due wake once, then end.'
complete -c xats -n "__xats_at 'deliver'" -l dry-run -d 'Print what would be done, to which pane, and why not; do nothing.'
complete -c xats -n "__xats_at 'dead list'" -l limit -s n -x -d 'At most so many.'
complete -c xats -n "__xats_at 'dead show' 1" -k -a '(__xats_ask dead)'
complete -c xats -n "__xats_at 'dead retry' 1" -k -a '(__xats_ask dead)'
complete -c xats -n "__xats_at 'dead retry'" -l to -x -k -a '(__xats_ask agent)' -d 'Send it to this agent instead, in its sender\'s name.'
complete -c xats -n "__xats_at 'dead retry'" -l whose -x -k -a '(__xats_ask agent)' -d 'Only the copy of this recipient.'
complete -c xats -n "__xats_at 'dead retry'" -l all -d 'All of them.'
complete -c xats -n "__xats_at 'dead drop' 1" -k -a '(__xats_ask dead)'
complete -c xats -n "__xats_at 'dead drop'" -l whose -x -k -a '(__xats_ask agent)' -d 'Only the copy of this recipient.'
complete -c xats -n "__xats_at 'dead drop'" -l all -d 'All of them.'
complete -c xats -n "__xats_at 'client show' 1" -k -a 'claude-code codex gemini opencode cursor copilot qwen amp aider generic human'
complete -c xats -n "__xats_at 'client test' 1" -k -a '(__xats_ask pane)'
complete -c xats -n "__xats_at 'client test'" -l client -x -k -a 'claude-code codex gemini opencode cursor copilot qwen amp aider generic human' -d 'Which program sits there. Default: found out.'
complete -c xats -n "__xats_at 'db backup' 1" -r -F
complete -c xats -n "__xats_at 'db backup'" -l force -d 'Replace a file that is there.'
complete -c xats -n "__xats_at 'db export'" -l csv -d 'Print CSV, with the names of the columns first.'
complete -c xats -n "__xats_at 'db export'" -l jsonl -d 'Print one JSON document a line.'
complete -c xats -n "__xats_at 'db export'" -l output -s o -r -F -d 'Write to this new file; - is standard output.'
complete -c xats -n "__xats_at 'db export'" -l force -d 'Replace a file that is there.'
complete -c xats -n "__xats_at 'db query'" -l param -s p -x -d 'A value for :NAME; repeatable.'
complete -c xats -n "__xats_at 'db query'" -l csv -d 'Print CSV, with the names of the columns first.'
complete -c xats -n "__xats_at 'db query'" -l limit -s n -x -d 'At most so many.'
complete -c xats -n "__xats_at 'db query'" -l timeout -x -d 'Give up after this time with exit 124.'
complete -c xats -n "__xats_at 'db prune'" -l older -x -d 'What is older than this. Default: XATS_KEEP, or 30d.'
complete -c xats -n "__xats_at 'db prune'" -l dry-run -d 'Only say how much would go.'
complete -c xats -n "__xats_at 'db prune'" -l yes -s y -d 'Do not ask.'
complete -c xats -n "__xats_at 'demo-agent'" -l role -x -k -a '(__xats_ask role)' -d 'What it is there for.'
complete -c xats -n "__xats_at 'schema' 1" -k -a 'send broadcast reply ack inbox show thread status wait register unregister agents whoami events poke deliver client pause resume dead doctor daemon db'
complete -c xats -n "__xats_at 'schema' 2" -k -a 'list show test retry drop status start stop info backup export query prune check'
