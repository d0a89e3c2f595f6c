# --- The call, as it is read ----------------------------------------------------------------------------------------

read_call() {
  agent_file=$0 scratch='' temporary='' lock_kind='' journaled=no lock_wait=60 timed_out=no sync_with=all
  root='' release='' id='' digest='' sha256='' size='' name='' file='' encoding=none shared='' fence='' protect='' keep=5
  service=none unit='' user='' job='' start='' restart='' stop='' restart_timeout=60 port='' logfile='' pidfile='' via_wanted=''
  guard=0 log_lines=40 mark_bad='' need=0 inodes=0 lines=40 timeout=60 dir=home command='' n=20
  base='' base_digest='' patch_size='' from_replaced=0 verify=changed variables='' files='' mode=600 limit=1800 idle=60 known='' prepare=0
  statement='' signature='' signers='' signed='' uid='' quick='' again=no limited_note=''
  for argument in "$@"; do
    case $argument in *=*) ;; *) bad_call 'an argument without =' ;; esac
    value=${argument#*=}
    case ${argument%%=*} in
      path) root=$value ;;
      fence) fence=$value ;;
      lock-wait) lock_wait=$value ;;
      release) release=$value ;;
      id) id=$value ;;
      digest) digest=$value ;;
      sha256) sha256=$value ;;
      size) size=$value ;;
      name) name=$value ;;
      file) file=$value ;;
      encoding) encoding=$value ;;
      shared) shared=$value ;;
      files) files=$value ;;
      mode) mode=$value ;;
      statement) statement=$value ;;
      signature) signature=$value ;;
      service) service=$value ;;
      unit) unit=$value ;;
      user) user=$value ;;
      job) job=$value ;;
      start) start=$value ;;
      restart) restart=$value ;;
      stop) stop=$value ;;
      restart-timeout) restart_timeout=$value ;;
      port) port=$value ;;
      logfile) logfile=$value ;;
      pidfile) pidfile=$value ;;
      guard) guard=$value ;;
      log-lines) log_lines=$value ;;
      via) via_wanted=$value ;;
      mark-bad) mark_bad=$value ;;
      keep) keep=$value ;;
      protect) protect=$value ;;
      need) need=$value ;;
      inodes) inodes=$value ;;
      lines) lines=$value ;;
      timeout) timeout=$value ;;
      dir) dir=$value ;;
      command) command=$value ;;
      variables)
        variables=$value
        for each in $variables; do is_variable "$each" || bad_call "$each is no variable"; done
        ;;
      n) n=$value ;;
      again) again=$value ;;
      base) base=$value ;;
      base-digest) base_digest=$value ;;
      patch-size) patch_size=$value ;;
      from-replaced) from_replaced=$value ;;
      verify) verify=$value ;;
      limit) limit=$value ;;
      idle) idle=$value ;;
      known) known=,$value, ;;
      prepare) prepare=$value ;;
      *) bad_call "unknown argument ${argument%%=*}" ;;
    esac
  done
  case $root in
    /*) ;;
    *) bad_call 'path is not absolute' ;;
  esac
  while :; do
    case $root in
      ?*/) root=${root%/} ;;
      *) break ;;
    esac
  done
  [ "$root" != / ] || bad_call 'path is the root directory'
  need_number lock-wait "$lock_wait"
  trap clean_up EXIT
}
