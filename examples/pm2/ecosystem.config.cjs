module.exports = {
  apps: [
    {
      name: 'api',
      script: 'server.js',
      // The link and not where it leads: a reload starts what it leads to by then.
      cwd: '/srv/api/current',
      env: { NODE_ENV: 'production', PORT: '3000' },
    },
  ],
}
