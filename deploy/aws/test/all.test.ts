// All tests in one process, so that each topology is synthesized once.
import './network';
import './hosts';
import './data';
import './guard';
import './files';
import './join';
import './certificate';
import './command';
import './docs';
