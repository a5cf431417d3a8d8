// The suite called by @grpc/grpc-js, a client nobody here wrote; run_client_test.py starts both.
import {Connection, MODE, finish} from './harness.mjs';
import {callSteps} from './call_steps.mjs';
import {outageSteps} from './outage_steps.mjs';
import {reflectionSteps} from './reflection_steps.mjs';

const connection = new Connection();
const reflected = await reflectionSteps(connection);
await callSteps(connection, reflected);
await outageSteps(connection, MODE);
connection.close();
finish();
