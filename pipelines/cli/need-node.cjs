// Runs on any Node: the sources need one that strips types, and an older one would only say "SyntaxError".
const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  console.error(`Millrace needs Node 24 or later; this is Node ${process.versions.node}.

The npm package "node" brings Node 24 for every npm script, by an install script that has not run here
(--ignore-scripts, or npm was asked to approve install scripts). Any one of these mends it:

    npm rebuild node              runs that one install script
    npm install-scripts approve node && npm ci
    use Node 24 or later yourself, for example from nodejs.org`)
  process.exit(1)
}
