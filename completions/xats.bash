# bash completion for xats                                          -*- shell-script -*-
# Generated from the command tree by tools/generate.py; change that, then: make generate

# What verb $1 may be followed by: sets `words`.
_xats_words() {
    case $1 in
        '') words='send broadcast reply ask ack inbox show thread status log search wait badge register unregister agents agent seat launch up limit down trust top peek attach pause resume whoami doing recap team task turn contract lock zone note events poke deliver dead daemon doctor config setup client hook db demo demo-agent help commands completion schema' ;;
        'agent') words='show set rename forget' ;;
        'limit') words='set list drop' ;;
        'team') words='list show rename merge archive forget adopt' ;;
        'task') words='add list show claim renew progress release submit approve feedback done fail cancel reopen edit graph wait import export' ;;
        'turn') words='join take pass release steal status log leave kick' ;;
        'contract') words='put get list log diff check subscribe unsubscribe subscribers rename retire' ;;
        'lock') words='take release renew list check steal guard install-git-hook uninstall-git-hook' ;;
        'zone') words='assign list drop check' ;;
        'note') words='put get list log rm pin unpin' ;;
        'dead') words='list show retry drop' ;;
        'daemon') words='run start restart stop status' ;;
        'config') words='list get set unset path' ;;
        'client') words='find list show test' ;;
        'hook') words='install uninstall status run wait' ;;
        'db') words='info backup export import query prune check' ;;
    esac
}

# The options of verb $1: sets `options`.
_xats_options() {
    options='--as --team --db --json --quiet -q --color --verbose -v --no-migrate --help -h'
    case $1 in
        '') options+=' --version -V' ;;
        'send') options="--file --subject -s --need-reply --no-need-reply --kind --key --ttl --reply-to --no-wake --hold --wait --batch --contract $options" ;;
        'broadcast') options="--file --role --subject -s --kind --key --ttl --no-wake --contract $options" ;;
        'reply') options="--file --subject -s --need-reply --no-need-reply --kind --key --ttl --no-wake --hold --contract $options" ;;
        'ask') options="--file --subject -s --key --contract --timeout --resume $options" ;;
        'inbox') options="--peek --all --again --owed --from --thread --since --limit -n --last --reverse --full --no-pager --wait $options" ;;
        'show') options="--no-pager $options" ;;
        'thread') options="--limit -n --no-pager $options" ;;
        'status') options="--attempts --wait $options" ;;
        'log') options="--from --to --kind --since --limit -n --full --follow -f --all-teams --jsonl $options" ;;
        'search') options="--since --limit -n $options" ;;
        'wait' | 'task wait') options="--timeout $options" ;;
        'register') options="--role --client --force-client --tag --cap --model --pane --no-pane --wake --takeover --expect --ttl --yes -y $options" ;;
        'unregister' | 'task approve' | 'db backup') options="--force $options" ;;
        'agents') options="--online --role --all-teams --long $options" ;;
        'agent set') options="--role --no-role --tag --no-tag --cap --no-cap --about $options" ;;
        'agent forget') options="--name-only --yes -y $options" ;;
        'seat') options="--role --tag --cap --about $options" ;;
        'launch') options="--name --role --tag --cap --model --wake --takeover --writable-store --print --window --split --session --cwd --worktree --branch --prompt --env --resume $options" ;;
        'up') options="--restart --dry-run --example $options" ;;
        'limit set') options="--then --reason $options" ;;
        'down') options="--all --worktree --force --yes -y $options" ;;
        'trust') options="--drop --list $options" ;;
        'peek') options="--lines -n --follow -f $options" ;;
        'pause' | 'task cancel' | 'task reopen' | 'lock steal') options="--reason $options" ;;
        'doing') options="--clear $options" ;;
        'team list') options="--archived $options" ;;
        'team rename' | 'team adopt') options="--yes -y --dry-run $options" ;;
        'team merge') options="--suffix --yes -y --dry-run $options" ;;
        'team archive') options="--undo --force --yes -y --dry-run $options" ;;
        'team forget') options="--force --yes -y --dry-run $options" ;;
        'task add') options="--description -d --file --to --role --dep --parent --priority --key --review --due --notify $options" ;;
        'task list') options="--state --mine --role --ready --all --limit -n $options" ;;
        'task claim') options="--next --lease --wait $options" ;;
        'task renew') options="--lease --claim $options" ;;
        'task progress') options="--claim $options" ;;
        'task release' | 'task fail') options="--reason --claim $options" ;;
        'task submit' | 'task done') options="--result --file --claim --force $options" ;;
        'task feedback') options="--file $options" ;;
        'task edit') options="--title --description -d --file --to --role --anybody --dep --no-dep --parent --no-parent --priority --review --no-review --due --notify $options" ;;
        'task graph') options="--dot $options" ;;
        'task import') options="--dry-run $options" ;;
        'task export') options="--all $options" ;;
        'turn join' | 'turn status' | 'turn leave') options="--name $options" ;;
        'turn take') options="--name --wait $options" ;;
        'turn pass') options="--status --next --artifact --planned --name --number $options" ;;
        'turn release') options="--name --number $options" ;;
        'turn steal') options="--reason --name $options" ;;
        'turn log') options="--name --limit -n $options" ;;
        'turn kick') options="--force --name $options" ;;
        'contract put') options="--file --note --compat --allow-breaking --revive $options" ;;
        'contract list') options="--all --limit -n $options" ;;
        'contract log' | 'zone list' | 'note log' | 'dead list') options="--limit -n $options" ;;
        'contract diff') options="--strict $options" ;;
        'contract check') options="--file --limit -n $options" ;;
        'lock take') options="--ttl --reason --wait --queue $options" ;;
        'lock release') options="--all --token $options" ;;
        'lock renew') options="--ttl --token $options" ;;
        'lock list') options="--mine --limit -n $options" ;;
        'zone assign') options="--nested $options" ;;
        'zone drop') options="--of $options" ;;
        'note put') options="--file --category --if-version --ttl $options" ;;
        'note list') options="--category --all --limit -n $options" ;;
        'note rm') options="--if-version $options" ;;
        'events') options="--follow -f --since --type --agent --all-teams --limit -n --jsonl $options" ;;
        'poke') options="--yes -y --dry-run --timeout $options" ;;
        'deliver') options="--once --dry-run $options" ;;
        'dead retry') options="--to --whose --all $options" ;;
        'dead drop') options="--whose --all $options" ;;
        'config set' | 'config unset') options="--user --project $options" ;;
        'setup') options="--dry-run --yes -y $options" ;;
        'client find') options="--register $options" ;;
        'client test') options="--client --profile $options" ;;
        'hook install') options="--user --project --waiter --no-waiter --follow-link --dry-run --yes -y $options" ;;
        'hook uninstall') options="--user --project --force --follow-link --dry-run --yes -y $options" ;;
        'db export') options="--csv --jsonl --output -o --force $options" ;;
        'db query') options="--param -p --csv --table --limit -n --timeout $options" ;;
        'db prune') options="--older --dry-run --yes -y $options" ;;
        'demo-agent') options="--role --works --log $options" ;;
    esac
}

# What option $2 of verb $1 takes: sets `kind`, to "" for a flag, to - for any text, to words after a =.
_xats_option_kind() {
    kind=
    case $2 in
        --as) kind=agent ;;
        --team) kind=team ;;
        --db) kind=file ;;
        --color) kind='=auto always never' ;;
        *)
            case "$1 $2" in
                'send --file' | 'send --batch' | 'broadcast --file' | 'reply --file' | 'ask --file' | 'launch --cwd' | 'task add --file' | 'task submit --file' | 'task feedback --file' | 'task done --file' | 'task edit --file' | 'turn pass --artifact' | 'turn pass --planned' | 'contract put --file' | 'contract check --file' | 'note put --file' | 'db export --output' | 'db export -o' | 'demo-agent --log') kind=file ;;
                'send --subject' | 'send -s' | 'send --kind' | 'send --key' | 'send --ttl' | 'send --wait' | 'broadcast --subject' | 'broadcast -s' | 'broadcast --kind' | 'broadcast --key' | 'broadcast --ttl' | 'reply --subject' | 'reply -s' | 'reply --kind' | 'reply --key' | 'reply --ttl' | 'ask --subject' | 'ask -s' | 'ask --key' | 'ask --timeout' | 'inbox --limit' | 'inbox -n' | 'inbox --last' | 'inbox --wait' | 'thread --limit' | 'thread -n' | 'status --wait' | 'log --kind' | 'log --since' | 'log --limit' | 'log -n' | 'search --since' | 'search --limit' | 'search -n' | 'wait --timeout' | 'register --model' | 'register --ttl' | 'agent set --about' | 'seat --about' | 'launch --model' | 'launch --session' | 'launch --branch' | 'launch --prompt' | 'launch --env' | 'launch --resume' | 'up --example' | 'limit set --reason' | 'peek --lines' | 'peek -n' | 'pause --reason' | 'team merge --suffix' | 'task add --description' | 'task add -d' | 'task add --key' | 'task add --due' | 'task list --limit' | 'task list -n' | 'task claim --lease' | 'task claim --wait' | 'task renew --lease' | 'task renew --claim' | 'task progress --claim' | 'task release --reason' | 'task release --claim' | 'task submit --result' | 'task submit --claim' | 'task done --result' | 'task done --claim' | 'task fail --reason' | 'task fail --claim' | 'task cancel --reason' | 'task reopen --reason' | 'task edit --title' | 'task edit --description' | 'task edit -d' | 'task edit --due' | 'task wait --timeout' | 'turn join --name' | 'turn take --name' | 'turn take --wait' | 'turn pass --status' | 'turn pass --next' | 'turn pass --name' | 'turn pass --number' | 'turn release --name' | 'turn release --number' | 'turn steal --reason' | 'turn steal --name' | 'turn status --name' | 'turn log --name' | 'turn log --limit' | 'turn log -n' | 'turn leave --name' | 'turn kick --name' | 'contract put --note' | 'contract list --limit' | 'contract list -n' | 'contract log --limit' | 'contract log -n' | 'contract check --limit' | 'contract check -n' | 'lock take --ttl' | 'lock take --reason' | 'lock take --wait' | 'lock release --token' | 'lock renew --ttl' | 'lock renew --token' | 'lock list --limit' | 'lock list -n' | 'lock steal --reason' | 'zone list --limit' | 'zone list -n' | 'note put --if-version' | 'note put --ttl' | 'note list --limit' | 'note list -n' | 'note log --limit' | 'note log -n' | 'note rm --if-version' | 'events --since' | 'events --limit' | 'events -n' | 'poke --timeout' | 'dead list --limit' | 'dead list -n' | 'db query --param' | 'db query -p' | 'db query --limit' | 'db query -n' | 'db query --timeout' | 'db prune --older') kind=- ;;
                'send --reply-to' | 'inbox --thread') kind=message ;;
                'send --contract' | 'broadcast --contract' | 'reply --contract' | 'ask --contract') kind=contract-version ;;
                'broadcast --role') kind=peer-role ;;
                'ask --resume') kind=sent ;;
                'inbox --from') kind=peer ;;
                'inbox --since') kind=received ;;
                'log --from' | 'log --to' | 'task add --to' | 'task edit --to' | 'events --agent' | 'dead retry --to' | 'dead retry --whose' | 'dead drop --whose') kind=agent ;;
                'register --role' | 'agents --role' | 'agent set --role' | 'seat --role' | 'launch --role' | 'task add --role' | 'task add --review' | 'task list --role' | 'task edit --role' | 'task edit --review' | 'task edit --no-review' | 'demo-agent --role') kind=role ;;
                'register --client' | 'client test --client') kind=client ;;
                'register --tag' | 'agent set --tag' | 'agent set --no-tag' | 'seat --tag' | 'launch --tag') kind=tag ;;
                'register --cap' | 'agent set --cap' | 'agent set --no-cap' | 'seat --cap' | 'launch --cap') kind=cap ;;
                'register --pane') kind=pane ;;
                'register --wake' | 'launch --wake') kind='=auto tmux notice command none' ;;
                'register --expect') kind='=aider amp claude cline codex copilot cursor-agent droid gemini kimi opencode qwen' ;;
                'launch --name') kind=name ;;
                'limit set --then') kind='=warn space pause' ;;
                'task add --dep' | 'task add --parent' | 'task edit --dep' | 'task edit --no-dep' | 'task edit --parent') kind=task ;;
                'task add --priority' | 'task edit --priority') kind='=0 1 2 3 4 5 6 7 8 9' ;;
                'task add --notify' | 'task edit --notify' | 'zone drop --of') kind=address ;;
                'task list --state') kind='=open claimed review done failed cancelled' ;;
                'contract put --compat') kind='=backward forward full none' ;;
                'note put --category' | 'note list --category') kind='=decision convention discovery blocker context setting' ;;
                'events --type') kind='=message_sent message_acked mail_shown mail_read mail_unread_again mail_expired read_overdue reply_overdue agent_registered agent_unregistered agent_gone agent_returned recipient_gone agent_expected expectation_expired expectation_replaced agent_starting agent_started agent_needs_you agent_start_failed agent_failed agent_restarting agent_flapping agent_stopping agent_stopped agent_changed agent_doing agent_renamed agent_forgotten former_name_freed agent_pruned team_renamed team_merged team_archived team_restored team_forgotten team_name_freed project_adopted pane_lost seat_lost wake_queued wake_retrying wake_delivered wake_skipped wake_failed dead_retried dead_dropped edit_refused limit_set limit_dropped limit_warned limit_reached paused resumed pair_stopped pair_resumed poked task_added task_edited task_ready task_offered task_claimed task_renewed task_progress task_released task_lapsed task_owner_gone task_submitted task_approved task_feedback task_done task_failed task_cancelled task_reopened task_notify_failed lock_taken lock_renewed lock_released lock_lapsed lock_stolen zone_assigned zone_dropped turn_renamed turn_joined turn_left turn_kicked turn_taken turn_passed turn_released turn_offered turn_skipped turn_missed turn_owner_gone turn_lapsed turn_stolen contract_put contract_changed contract_renamed contract_retired contract_revived contract_subscribed contract_unsubscribed note_put note_removed note_pinned note_unpinned' ;;
            esac
            ;;
    esac
}

# What argument number $2 of verb $1 is: sets `kind`, as above.
_xats_argument_kind() {
    kind=
    case "$1 $2" in
        'send 1' | 'ask 1' | 'zone assign 1') kind=address ;;
        'send 2' | 'broadcast 1' | 'reply 2' | 'ask 2' | 'search '[1-9]* | 'agent rename 2' | 'launch 2' | 'limit set 2' | 'doing 1' | 'team rename 2' | 'task add 1' | 'task progress 2' | 'task feedback 2' | 'contract diff 2' | 'contract diff 3' | 'contract rename 2' | 'note put 2' | 'poke 2' | 'config set 2' | 'db export '[1-9]* | 'db query 1' | 'demo-agent 1') kind=- ;;
        'reply 1' | 'ack 1') kind=received ;;
        'show 1' | 'thread 1') kind=message ;;
        'status 1') kind=sent ;;
        'register 1' | 'agent forget 1' | 'seat 1') kind=name ;;
        'unregister 1' | 'agent show 1' | 'agent set 1' | 'agent rename 1' | 'up '[1-9]* | 'down 1' | 'peek 1' | 'attach 1' | 'pause 1' | 'resume 1' | 'recap 1' | 'turn pass 1' | 'turn kick 1' | 'poke 1') kind=agent ;;
        'launch 1') kind='=aider amp claude cline codex copilot cursor-agent droid gemini kimi opencode qwen' ;;
        'limit set 1' | 'limit drop 1') kind='=wakes mails agents restarts minutes' ;;
        'trust 1' | 'task import 1' | 'contract put 2' | 'contract check 2' | 'lock take '[1-9]* | 'lock check '[1-9]* | 'lock steal 1' | 'zone assign '[2-9]* | 'zone check 1' | 'db backup 1' | 'db import 1') kind=file ;;
        'team show 1' | 'team rename 1' | 'team merge 1' | 'team merge 2' | 'team archive 1' | 'team adopt 1') kind=every-team ;;
        'team forget 1') kind=team-or-former ;;
        'task show 1' | 'task renew 1' | 'task progress 1' | 'task release 1' | 'task submit 1' | 'task approve 1' | 'task feedback 1' | 'task done 1' | 'task fail 1' | 'task cancel 1' | 'task edit 1' | 'task graph 1' | 'task wait 1') kind=task ;;
        'task claim 1') kind=task-ready ;;
        'task reopen 1') kind=task-ended ;;
        'contract put 1' | 'contract log 1' | 'contract diff 1' | 'contract subscribe 1' | 'contract unsubscribe 1' | 'contract subscribers 1' | 'contract rename 1' | 'contract retire 1') kind=contract ;;
        'contract get 1' | 'contract check 1') kind=contract-version ;;
        'lock release '[1-9]* | 'lock renew '[1-9]*) kind=held ;;
        'zone drop '[1-9]*) kind=zone ;;
        'note put 1' | 'note list 1' | 'note log 1' | 'note rm 1' | 'note pin 1' | 'note unpin 1') kind=note ;;
        'note get 1') kind=note-version ;;
        'dead show 1' | 'dead retry 1' | 'dead drop 1') kind=dead ;;
        'config get 1' | 'config set 1' | 'config unset 1') kind='=wake.quiet wake.hops wake.off wake.ladder wake.read_within wake.command wake.timeout hook.budget inbox.budget lock.enforce lock.auto zone.enforce turn.enforce keep notify.desktop daemon.autostart daemon.debug clients.folder tmux.program worktree.copy worktree.setup crew.by_agents db' ;;
        'client show 1') kind=client ;;
        'client test 1') kind=pane ;;
        'hook install 1' | 'hook uninstall 1' | 'hook status 1' | 'hook run 1' | 'hook wait 1') kind='=amp claude-code codex copilot cursor gemini opencode qwen' ;;
        'help '[1-9]*) kind='=send broadcast reply ask ack inbox show thread status log search wait badge register unregister agents agent seat launch up limit down trust top peek attach pause resume whoami doing recap team task turn contract lock zone note events poke deliver dead daemon doctor config setup client hook db demo demo-agent help commands completion schema waking addresses exit-codes errors environment scripting no_pane pane_dead pane_changed process_gone server_gone no_program not_registered tmux_unavailable tmux_missing tmux_too_old host_busy server_untrusted not_ours not_permitted copy_mode input_off shell_foreground child_foreground program_changed program_hidden program_elsewhere not_quiet busy dialog_open draft_present screen_unknown human_active unconfirmed not_shown command_failed inbox_failed not_read turned_off throttled team_limit rate_capped hop_limit recipient_active already_read self no_wake retry_exhausted expired agent_unused forgotten paused multi_line shell_command looks_like_dialog too_long full_screen' ;;
        'completion 1') kind='=bash zsh fish' ;;
        'schema 1') kind='=xats send broadcast reply ask ack inbox show thread status log search wait badge register launch up down trust unregister agents peek whoami doing recap team agent seat task turn contract lock limit zone note events poke deliver config setup client pause resume dead doctor daemon help commands completion hook db' ;;
        'schema 2') kind='=list show rename merge archive forget adopt set add claim renew progress release submit approve feedback done fail cancel reopen edit graph wait import export join take pass steal status log leave kick put get diff check subscribe unsubscribe subscribers retire guard install-git-hook uninstall-git-hook drop assign rm pin unpin unset path find test retry start restart stop install uninstall info backup query prune' ;;
    esac
}

# Put the words up to the cursor into `line`. COMP_WORDS has them split at : = and @, which COMP_LINE tells.
_xats_split() {
    local left=${COMP_LINE:0:COMP_POINT} rest word
    local -i i
    line=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        rest=${left#"${left%%[![:space:]]*}"}
        word=${COMP_WORDS[i]:0:${#rest}}
        if ((i == 0)) || [[ $rest != "$left" ]]; then
            line+=("$word")
        else
            line[${#line[@]} - 1]+=$word
        fi
        left=${rest:${#word}}
    done
}

# Add those of the words $2... that begin with $1 to COMPREPLY.
_xats_offer() {
    local prefix=$1 word
    shift
    for word in "$@"; do
        [[ $word != "$prefix"* ]] || COMPREPLY+=("$word")
    done
}

# Ask xats for values of kind $1 that begin with $2. When they are listed, and not inserted, each says what it is.
_xats_ask() {
    local value description
    local -i widest=0 i
    local -a values=() descriptions=()
    while IFS=$'\t' read -r value description; do
        values+=("$value")
        descriptions+=("$description")
        ((${#value} <= widest)) || widest=${#value}
    done < <(command xats _complete "$1" "$2" ${common[@]+"${common[@]}"} 2>/dev/null)
    for ((i = 0; i < ${#values[@]}; i++)); do
        value=${values[i]}
        if ((${#values[@]} > 1)) && [[ " 33 63 64 " == *" ${COMP_TYPE:-} "* ]]; then
            printf -v value '%-*s  (%s)' "$widest" "$value" "${descriptions[i]}"
        fi
        COMPREPLY+=("$value")
    done
}

_xats() {
    local verb= kind= option= words options word keep= head= cur literal= IFS=$' \t\n'
    local -a line common=()
    local -i i j place=0 grouped=0
    COMPREPLY=()
    _xats_split
    for ((i = 1; i < ${#line[@]} - 1; i++)); do
        word=${line[i]//[\\\"\']/}
        if [[ -n $kind ]]; then
            kind=
        elif [[ -z $literal && $word == -- ]]; then
            literal=yes
            continue
        elif [[ -z $literal && $word == --*=* ]]; then
            option=${word%%=*} word=${word#*=}
        elif [[ -z $literal && $word == --* ]]; then
            option=$word
            _xats_option_kind "$verb" "$option"
            continue
        elif [[ -z $literal && $word == -?* ]]; then
            for ((j = 1; j < ${#word}; j++)); do
                option=-${word:j:1}
                _xats_option_kind "$verb" "$option"
                [[ -z $kind ]] || break
            done
            ((j == ${#word} - 1)) || kind= # its value is in the same word
            continue
        else
            if [[ -z $verb ]]; then
                verb=$word
                words=
                _xats_words "$verb"
                [[ -z $words ]] || grouped=1
            elif ((grouped)); then
                verb="$verb $word"
                grouped=0
            else
                ((++place))
            fi
            continue
        fi
        case $option in
            --as | --db | --team) common+=("$option" "$word") ;;
        esac
    done

    cur=${line[${#line[@]} - 1]}
    if [[ $cur == [\"\']* ]]; then
        cur=${cur:1}
    elif [[ $cur == *[$COMP_WORDBREAKS]* ]]; then
        keep=${cur%"${cur##*[$COMP_WORDBREAKS]}"} # readline replaces only what stands behind it,
        keep=${keep%@}                            # and a last @ before it: rl_special_prefixes
    fi
    if [[ -n $kind ]]; then
        :
    elif [[ -z $literal && $cur == --*=* ]]; then
        _xats_option_kind "$verb" "${cur%%=*}"
        head=${cur%%=*}=
        cur=${cur#*=}
    elif [[ -z $literal && $cur == -* ]]; then
        _xats_options "$verb"
        _xats_offer "$cur" $options
        kind=
    elif [[ -z $verb ]] || ((grouped)); then
        words=
        _xats_words "$verb"
        _xats_offer "$cur" $words
    else
        _xats_argument_kind "$verb" $((place + 1))
    fi
    case $kind in
        "" | -) ;;
        =*) _xats_offer "$cur" ${kind#=} ;;
        file)
            compopt -o default 2>/dev/null || while IFS= read -r word; do
                COMPREPLY+=("$word")
            done < <(compgen -f -- "$cur")
            ;;
        *) _xats_ask "$kind" "${cur//[\\\"\']/}" ;;
    esac
    for ((i = 0; i < ${#COMPREPLY[@]}; i++)); do
        word=$head${COMPREPLY[i]}
        COMPREPLY[i]=${word:${#keep}}
    done
}

complete -o nosort -F _xats xats 2>/dev/null || complete -F _xats xats
