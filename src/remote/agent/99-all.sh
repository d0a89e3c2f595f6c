case $verb in
  install | probe | check | sweep | put | stage | delta | recheck | file | activate | migrate | confirm | withdraw | revert | guard | prune | prepare | run) "do_$verb" ;;
  *) bad_call "unknown verb $verb" ;;
esac
